// The builder redraws as you change it. Without this file the form does the same with its button.
const form = document.getElementById("design");
const say = (words) => {
  const place = document.getElementById("announce");
  if (place) place.textContent = words;
};

function address() {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    const usual = form.elements[name]?.dataset?.default;
    if (String(value).trim() && value !== usual) asked.append(name, value);
  }
  if (!asked.get("add") || !asked.get("is")) {
    asked.delete("add");
    asked.delete("is");
  }
  return `${form.getAttribute("action")}?${asked}`;
}

let waiting = 0;
let running = null;

async function redraw() {
  const target = address();
  running?.abort();
  running = new AbortController();
  const result = document.getElementById("result");
  result.setAttribute("aria-busy", "true");
  say(form.dataset.wait);
  try {
    const answer = await fetch(target, { signal: running.signal, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("result");
    if (!fresh) throw new Error("no chart");
    const focus = document.activeElement;
    const opened = [...form.querySelectorAll("details")].map((item) => item.open);
    const table = result.querySelector("details")?.open;
    result.replaceChildren(...fresh.childNodes);
    if (table && result.querySelector("details")) result.querySelector("details").open = true;
    document.getElementById("take").replaceChildren(...page.getElementById("take").childNodes);
    if (!(focus instanceof HTMLInputElement) || focus.type === "radio" || answer.redirected) {
      document.getElementById("fields").replaceChildren(...page.getElementById("fields").childNodes);
      form.querySelectorAll("details").forEach((item, at) => { item.open ||= opened[at]; });
      if (focus?.id) document.getElementById(focus.id)?.focus({ preventScroll: true });
    }
    history.replaceState(null, "", answer.redirected ? answer.url : target);
    copies();
    say(result.querySelector("[role=alert]") ? result.querySelector("[role=alert]").textContent.trim() : `${form.dataset.done} ${result.querySelector(".told")?.textContent ?? ""}`);
  } catch (error) {
    if (error.name !== "AbortError") say(form.dataset.failed);
    else return;
  }
  result.removeAttribute("aria-busy");
}

function later(event) {
  if (event.target.name === "add" || (event.target.name === "is" && event.type === "input")) return;
  clearTimeout(waiting);
  waiting = setTimeout(redraw, event.type === "input" ? 600 : 150);
}

function copies() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.onclick = async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
      const words = button.textContent;
      button.textContent = button.dataset.said;
      setTimeout(() => { button.textContent = words; }, 1500);
    };
  }
}

if (form) {
  form.addEventListener("change", later);
  form.addEventListener("input", (event) => { if (event.target.matches("input[type=text], input[type=number]")) later(event); });
}
copies();
