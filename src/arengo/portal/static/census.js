// A picture of threads is read one spoke at a time: whoever is pointed at or focused shows its own.
(() => {
  for (const svg of document.querySelectorAll("svg.wheel")) {
    const threads = [...svg.querySelectorAll(".threads path")];
    const spokes = new Map([...svg.querySelectorAll(".spoke")].map((a) => [a.dataset.n, a]));
    const show = (number) => {
      svg.classList.toggle("asked", number !== null);
      for (const spoke of spokes.values()) spoke.classList.toggle("near", spoke.dataset.n === number);
      for (const path of threads) {
        const mine = number !== null && (path.dataset.a === number || path.dataset.b === number);
        path.classList.toggle("mine", mine);
        if (mine) for (const end of [path.dataset.a, path.dataset.b]) spokes.get(end)?.classList.add("near");
      }
    };
    for (const [number, spoke] of spokes) {
      for (const event of ["pointerenter", "focusin"]) spoke.addEventListener(event, () => show(number));
      for (const event of ["pointerleave", "focusout"]) spoke.addEventListener(event, () => show(null));
    }
  }
})();
