// Copies what stands in the page, and asks the city with a key that is typed in. The key is kept by the field alone:
// it is sent to this origin as a header, never stored, never part of an address. Without this file code can be copied
// by hand and the form opens the answer itself, without a key.
const MOST = 20000;

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const words = button.firstChild.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.firstChild.textContent = button.dataset.done;
    setTimeout(() => (button.firstChild.textContent = words), 2000);
  });
}

const form = document.querySelector("[data-key-console]");
const field = document.querySelector("[data-key]");
const answer = document.querySelector(".answer");

function address() {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (String(value).trim()) asked.append(name, String(value).trim());
  return new URL(`${form.getAttribute("action")}?${asked}`, location.origin);
}

function pretty(text, media) {
  if (!media.includes("json") || media.includes("ndjson")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

if (field) field.closest("[hidden]")?.removeAttribute("hidden");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const target = address();
  const told = answer.querySelector("[role=status]");
  const link = answer.querySelector(".asked code");
  const body = answer.querySelector("pre code");
  answer.hidden = false;
  link.textContent = target.pathname + target.search;
  told.textContent = `${form.dataset.wait} …`;
  body.textContent = "";
  const headers = { Accept: "*/*" };
  const key = field?.value.trim();
  if (key) headers.Authorization = `Bearer ${key}`;
  const started = performance.now();
  try {
    const found = await fetch(target, { headers, credentials: key ? "omit" : "same-origin", cache: "no-store", redirect: "error" });
    const text = await found.text();
    const parts = [`${found.status} ${found.statusText}`.trim(), `${Math.round(performance.now() - started)} ms`, `${new TextEncoder().encode(text).length} B`];
    for (const name of ["ratelimit", "retry-after", "arengo-version"]) if (found.headers.get(name)) parts.push(`${name}: ${found.headers.get(name)}`);
    told.textContent = parts.join(" · ");
    const shown = pretty(text, found.headers.get("content-type") ?? "");
    body.textContent = shown.length > MOST ? `${shown.slice(0, MOST)}\n…` : shown;
  } catch {
    told.textContent = form.dataset.failed;
  }
});
