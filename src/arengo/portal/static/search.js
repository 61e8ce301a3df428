// Suggestions under a search field (ARIA combobox, list autocomplete). Without this script the form works as it is.
for (const field of document.querySelectorAll("input[data-suggest]")) {
  const list = document.createElement("ul");
  list.className = "suggestions";
  list.id = `${field.id}-suggestions`;
  list.role = "listbox";
  list.hidden = true;
  field.after(list);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]]) field.setAttribute(name, value);
  let chosen = -1, waiting = 0, asked = "";
  const close = () => { list.hidden = true; chosen = -1; field.setAttribute("aria-expanded", "false"); field.removeAttribute("aria-activedescendant"); };
  const choose = (number) => {
    const items = [...list.children];
    chosen = items.length ? (number + items.length) % items.length : -1;
    items.forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
    if (chosen >= 0) { field.setAttribute("aria-activedescendant", items[chosen].id); items[chosen].scrollIntoView({ block: "nearest" }); }
  };
  const show = (found) => {
    list.replaceChildren(...found.map((item, at) => {
      const line = document.createElement("li"), text = document.createElement("span"), kind = document.createElement("span");
      line.role = "option"; line.id = `${list.id}-${at}`; line.dataset.href = item.href; line.setAttribute("aria-selected", "false");
      text.textContent = item.text; text.dir = "auto";
      kind.className = "quiet"; kind.textContent = item.detail ? `${item.label}, ${item.detail}` : item.label;
      line.append(text, kind);
      line.addEventListener("pointerdown", (event) => { event.preventDefault(); location.assign(item.href); });
      return line;
    }));
    chosen = -1; list.hidden = !found.length;
    field.setAttribute("aria-expanded", String(found.length > 0));
  };
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    const words = field.value.trim();
    if (words.length < 2) return close();
    waiting = setTimeout(async () => {
      asked = words;
      try {
        const answer = await fetch(`/api/v1/suggest?q=${encodeURIComponent(words)}`);
        if (answer.ok && asked === words && document.activeElement === field) show((await answer.json()).items);
      } catch { close(); }
    }, 120);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return close();
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); choose(chosen + (event.key === "ArrowDown" ? 1 : -1)); }
    if (event.key === "Enter" && chosen >= 0) { event.preventDefault(); location.assign(list.children[chosen].dataset.href); }
  });
  field.addEventListener("blur", () => setTimeout(close, 100));
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "")) return;
  const field = document.querySelector("input[data-suggest]");
  if (field) { event.preventDefault(); field.focus(); }
});
