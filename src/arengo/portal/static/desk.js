// Keys of the steward's desk: j and k move between what waits, x ticks, Enter opens. Without this script Tab and Space do.
(() => {
  const boxes = [...document.querySelectorAll("[data-desk] input[type=checkbox]")];
  if (!boxes.length) return;
  const here = () => boxes.findIndex((box) => box.closest("li").contains(document.activeElement));
  document.addEventListener("keydown", (event) => {
    const busy = event.target.closest("select, textarea, input:not([type=checkbox])");
    if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = here();
    if (event.key === "j" || event.key === "k") {
      const next = event.key === "j" ? Math.min(at + 1, boxes.length - 1) : Math.max(at - 1, 0);
      boxes[next].focus();
      boxes[next].closest("li").scrollIntoView({ block: "nearest" });
    } else if (event.key === "x" && at >= 0) {
      boxes[at].checked = !boxes[at].checked;
    } else if (event.key === "Enter" && at >= 0 && document.activeElement === boxes[at]) {
      event.preventDefault();
      location.href = boxes[at].closest("li").querySelector("a").href;
    }
  });
})();
