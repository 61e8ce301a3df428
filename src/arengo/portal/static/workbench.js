// The page works without this file. With it: Ctrl+Enter runs, names complete, the list inserts, boxes grow, copy copies.
(() => {
  const form = document.getElementById("bench");
  if (!form) return;
  const boxes = () => [...form.querySelectorAll("textarea.sql")];
  let last = boxes()[0];

  // Boxes as tall as what is in them.
  const grow = (box) => { box.style.blockSize = "auto"; box.style.blockSize = `${box.scrollHeight + 4}px`; };
  for (const box of form.querySelectorAll("textarea[name=text]")) { box.addEventListener("input", () => grow(box)); grow(box); }
  for (const hint of form.querySelectorAll(".keys")) hint.hidden = false;

  // Insert at the cursor, with a space where one is missing.
  const insert = (box, text, from = box.selectionStart) => {
    const before = box.value.slice(0, from);
    const space = before && !/[\s(.,]$/.test(before) ? " " : "";
    box.setRangeText(space + text, from, box.selectionEnd, "end");
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  };
  for (const button of document.querySelectorAll("[data-insert]")) {
    button.disabled = false;
    button.addEventListener("click", () => last && insert(last, button.dataset.insert));
  }

  // The list of tables, narrowed while typing.
  const find = document.getElementById("find");
  if (find) {
    find.closest(".find").hidden = false;
    const items = [...document.querySelectorAll(".rail > ul > li")];
    find.addEventListener("input", () => {
      const words = find.value.trim().toLowerCase();
      for (const item of items) item.hidden = Boolean(words) && !item.textContent.toLowerCase().includes(words);
    });
  }

  // Names: the words of the language at hand, and every table with its columns, fetched when first wanted.
  const WORDS = ("SELECT|FROM|WHERE|GROUP BY|ORDER BY|LIMIT|JOIN|LEFT JOIN|USING|HAVING|DISTINCT|WITH|UNION ALL|CASE WHEN|THEN|ELSE|" +
    "END|BETWEEN|LIKE|ILIKE|IS NULL|IS NOT NULL|count(*)|sum(|avg(|min(|max(|median(|round(|date_trunc(|coalesce(").split("|");
  let names = null;
  const plain = /^[a-z_][a-z0-9_]*$/;
  const quoted = (name) => (plain.test(name) ? name : `"${name.replaceAll('"', '""')}"`);
  const fetched = async () => {
    if (names) return names;
    names = { tables: [], columns: new Map() };
    let cursor = "";
    for (let page = 0; page < 20; page++) {
      const answer = await fetch(`${form.dataset.tables}?limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
      if (!answer.ok) break;
      const body = await answer.json();
      for (const table of body.items) {
        names.tables.push(table.name);
        names.columns.set(table.name, table.columns.map((column) => [quoted(column.name), column.title]));
      }
      cursor = body.next;
      if (!cursor) break;
    }
    return names;
  };

  const list = document.createElement("ul");
  list.className = "fits"; list.id = "fits"; list.setAttribute("role", "listbox"); list.setAttribute("aria-label", form.dataset.names);
  let chosen = -1, at = 0, owner = null;
  const shut = () => {
    list.remove(); chosen = -1;
    if (owner) { owner.removeAttribute("aria-activedescendant"); owner.removeAttribute("aria-controls"); owner = null; }
  };
  const choose = (index) => {
    const items = [...list.children];
    if (!items.length) return;
    chosen = (index + items.length) % items.length;
    items.forEach((item, i) => item.setAttribute("aria-selected", String(i === chosen)));
    owner.setAttribute("aria-activedescendant", items[chosen].id);
  };
  const take = (text) => { const box = owner; const from = at; shut(); if (box) { box.selectionStart = from; insert(box, text, from); shut(); } };
  const suggest = async (box, wanted) => {
    const before = box.value.slice(0, box.selectionStart);
    const word = /[\w"]*$/.exec(before)[0].replace(/^"/, "");
    if (!wanted && word.length < 2) return shut();
    const known = await fetched();
    if (box.value.slice(0, box.selectionStart) !== before) return;
    const start = word.toLowerCase();
    const after = /\b(from|join|,)\s*"?[\w-]*$/i.test(before);
    const used = known.tables.filter((table) => box.value.toLowerCase().includes(table.toLowerCase()));
    const found = new Map();
    const add = (text, note) => { if (text.toLowerCase().replace(/^"/, "").startsWith(start) && text.toLowerCase() !== start && !found.has(text)) found.set(text, note); };
    if (after) known.tables.forEach((table) => add(table, ""));
    for (const table of used) for (const [column, title] of known.columns.get(table)) add(column, title);
    if (!after) known.tables.forEach((table) => add(table, ""));
    if (start) WORDS.forEach((item) => add(item, ""));
    shut();
    if (!found.size) return;
    owner = box; at = before.length - /[\w"]*$/.exec(before)[0].length;
    list.replaceChildren(...[...found].slice(0, 9).map(([text, note], i) => {
      const item = document.createElement("li");
      item.id = `fit-${i}`; item.setAttribute("role", "option"); item.setAttribute("aria-selected", "false"); item.dataset.text = text;
      item.textContent = text;
      if (note && note !== text) { const small = document.createElement("small"); small.textContent = ` ${note}`; item.append(small); }
      item.addEventListener("mousedown", (event) => { event.preventDefault(); take(text); });
      return item;
    }));
    box.after(list);
    box.setAttribute("aria-controls", "fits");
    if (wanted) choose(0);
  };

  for (const box of boxes()) {
    box.setAttribute("aria-autocomplete", "list");
    box.addEventListener("focus", () => { last = box; });
    box.addEventListener("input", () => { suggest(box, false).catch(shut); });
    box.addEventListener("blur", () => setTimeout(() => { if (document.activeElement !== box) shut(); }, 100));
    box.addEventListener("keydown", (event) => {
      const open = owner === box && list.isConnected;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault(); shut();
        form.requestSubmit(box.closest("section").querySelector("button[value^='run:']"));
      } else if (event.key === " " && event.ctrlKey) { event.preventDefault(); suggest(box, true).catch(shut); }
      else if (open && event.key === "Escape") { event.preventDefault(); shut(); }
      else if (open && (event.key === "ArrowDown" || event.key === "ArrowUp") && (chosen >= 0 || event.key === "ArrowDown")) {
        event.preventDefault(); choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
      } else if (open && chosen >= 0 && (event.key === "Enter" || event.key === "Tab")) { event.preventDefault(); take(list.children[chosen].dataset.text); }
    });
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    const box = document.getElementById(button.dataset.copy);
    box.value = new URL(box.value, location.href).href;
    button.hidden = false;
    button.addEventListener("click", async () => { await navigator.clipboard.writeText(box.value); button.textContent = button.dataset.said; });
  }
})();
