// Asks in the page what the form asks for. Without this file the form opens the answer itself.
const form = document.querySelector("[data-console]");
const answer = document.querySelector(".answer");
const MOST = 20000;

function address() {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (String(value).trim()) asked.append(name, String(value).trim());
  return `${form.getAttribute("action")}?${asked}`;
}

function pretty(text, media) {
  if (!media.includes("json") || media.includes("ndjson")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const target = address();
  const told = answer.querySelector("[role=status]");
  const link = answer.querySelector(".asked");
  const body = answer.querySelector("pre code");
  answer.hidden = false;
  link.href = target;
  link.firstElementChild.textContent = target;
  told.textContent = `${form.dataset.wait} …`;
  body.textContent = "";
  const started = performance.now();
  try {
    const found = await fetch(target, { headers: { Accept: "*/*" } });
    const text = await found.text();
    const shown = pretty(text, found.headers.get("content-type") ?? "");
    const took = Math.round(performance.now() - started);
    const parts = [`${found.status} ${found.statusText}`.trim(), `${took} ms`, `${new TextEncoder().encode(text).length} B`];
    for (const name of ["content-type", "etag", "arengo-version"]) if (found.headers.get(name)) parts.push(`${name}: ${found.headers.get(name)}`);
    told.textContent = parts.join(" · ");
    body.textContent = shown.length > MOST ? `${shown.slice(0, MOST)}\n…` : shown;
  } catch {
    told.textContent = form.dataset.failed;
  }
});
