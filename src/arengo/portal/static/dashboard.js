// A filter of a dashboard holds as soon as it is chosen; the button does the same without this file.
for (const form of document.querySelectorAll(".board-filters")) {
  let keyed = false;
  form.addEventListener("keydown", () => { keyed = true; });
  form.addEventListener("pointerdown", () => { keyed = false; });
  form.addEventListener("change", () => {
    if (!keyed) form.requestSubmit(); // arrow keys walk through the values first; Enter or the button decides
  });
  form.addEventListener("submit", () => {
    for (const field of form.querySelectorAll("select")) if (!field.value) field.disabled = true;
  });
}
