// One click suspends: the button says by itself that it is sure, and the next page offers to resume. Without this
// script a page asks first.
(() => {
  for (const button of document.querySelectorAll("button[data-sure]")) {
    button.addEventListener("click", () => {
      const sure = document.createElement("input");
      sure.type = "hidden";
      sure.name = "sure";
      sure.value = "1";
      button.form.append(sure);
    });
  }
})();
