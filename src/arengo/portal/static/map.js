// The live map over the still drawing. It asks only this host; when anything fails the drawing stays.
import { Map as LiveMap, NavigationControl, Popup, setWorkerUrl } from "./vendor/maplibre/maplibre-gl.mjs";

const holder = document.getElementById("map");
const still = holder && holder.querySelector("svg");
const list = document.getElementById("places");
const note = document.getElementById("map-note");
const MOST = 4000; // places drawn at once
const STEP = "987654321"; // where the sampling condition of the page has its step
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

function colours() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(`--${name}`).trim();
  return { land: value("land"), paper: value("paper"), line: value("line"), strong: value("line-strong"), water: value("water"), accent: value("accent"), ink: value("ink") };
}

if (holder && still) start();

function start() {
  const data = holder.dataset;
  const words = JSON.parse(data.words);
  const labels = JSON.parse(data.labels);
  const keys = JSON.parse(data.key);
  const base = JSON.parse(data.base);
  const bounds = data.bounds ? data.bounds.split(",").map(Number) : null;
  const number = new Intl.NumberFormat(data.lang, { maximumFractionDigits: 6 });
  const c = colours();
  setWorkerUrl(new URL("./vendor/maplibre/maplibre-gl-worker.mjs", import.meta.url).href);

  const frame = document.createElement("div");
  frame.className = "map-live";
  holder.append(frame);
  let map;
  try {
    map = new LiveMap({
      container: frame,
      style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": c.land } }] },
      bounds: bounds ? [[bounds[0], bounds[1]], [bounds[2], bounds[3]]] : undefined,
      fitBoundsOptions: { padding: 24, maxZoom: 16 },
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      cooperativeGestures: false,
      fadeDuration: 0,
      maxZoom: 20,
      renderWorldCopies: false,
      locale: { "NavigationControl.ZoomIn": words.zoomIn, "NavigationControl.ZoomOut": words.zoomOut, "Popup.Close": words.close, "Map.Title": words.map },
    });
  } catch {
    frame.remove();
    return;
  }
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), document.dir === "rtl" ? "top-left" : "top-right");

  map.on("load", () => {
    for (const [index, [url, style]] of base.entries()) {
      const id = `base-${index}`;
      map.addSource(id, { type: "geojson", data: url });
      if (style === "base-line") map.addLayer({ id, source: id, type: "line", paint: { "line-color": c.line, "line-width": ["interpolate", ["linear"], ["zoom"], 10, 0.6, 16, 3] } });
      else {
        map.addLayer({ id, source: id, type: "fill", paint: { "fill-color": style === "base-water" ? c.water : c.paper } });
        if (style !== "base-water") map.addLayer({ id: `${id}-edge`, source: id, type: "line", paint: { "line-color": c.strong, "line-width": 0.8 } });
      }
    }
    const empty = { type: "FeatureCollection", features: [] };
    map.addSource("data", { type: "geojson", data: empty });
    map.addSource("chosen", { type: "geojson", data: empty });
    map.addLayer({ id: "area", source: "data", type: "fill", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": c.accent, "fill-opacity": 0.28 } });
    map.addLayer({ id: "edge", source: "data", type: "line", filter: ["==", ["geometry-type"], "Polygon"], paint: { "line-color": c.accent, "line-width": 1.2 } });
    map.addLayer({ id: "path", source: "data", type: "line", filter: ["==", ["geometry-type"], "LineString"], paint: { "line-color": c.accent, "line-width": 2.5 } });
    map.addLayer({ id: "dot", source: "data", type: "circle", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-color": c.accent, "circle-opacity": 0.8, "circle-stroke-color": c.paper, "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 11, 0.3, 15, 1], "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 1.5, 12, 2.6, 15, 5.5, 18, 9] } });
    map.addLayer({ id: "chosen", source: "chosen", type: "circle", paint: { "circle-color": "transparent", "circle-stroke-color": c.ink, "circle-stroke-width": 3, "circle-radius": 11 } });
    holder.dataset.live = "yes";
    fetchPlaces();
  });
  map.on("moveend", fetchPlaces);

  let asked = null;
  let shownBox = "";
  async function ask(box, more) {
    const answer = await fetch(`${data.source}&bbox=${box}&${more}`, { signal: asked.signal, headers: { Accept: "application/geo+json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer;
  }
  async function fetchPlaces() {
    if (!map.getSource("data")) return;
    const seen = map.getBounds();
    const box = [Math.max(-180, seen.getWest()), Math.max(-90, seen.getSouth()), Math.min(180, seen.getEast()), Math.min(90, seen.getNorth())].map((part) => part.toFixed(5)).join(",");
    if (box === shownBox) return;
    if (asked) asked.abort();
    asked = new AbortController();
    try {
      let extra = `limit=${MOST}`;
      let all = 0;
      if (Number(data.total) > MOST) {
        // Count first; of too many, an even sample instead of the first in line.
        all = Number((await ask(box, "limit=1&count=true")).headers.get("Arengo-Matched"));
        if (all > MOST && data.sample) extra += `&filter=${encodeURIComponent(data.sample.replaceAll(STEP, String(Math.ceil(all / MOST))))}`;
      }
      const found = await (await ask(box, extra)).json();
      shownBox = box;
      map.getSource("data").setData(found);
      const count = found.features.length;
      holder.dataset.features = String(count);
      const still = document.querySelector(".map-legend .drawn"); // what it said is true of the drawing only
      if (still) still.remove();
      const part = all > count || count >= MOST;
      note.textContent = part ? words.more.replace("{n}", number.format(count)).replace("{all}", number.format(Math.max(all, count))) : "";
    } catch (error) {
      if (error.name !== "AbortError") note.textContent = words.failed;
    }
  }

  let popup = null;
  function show(feature, at) {
    if (popup) popup.remove();
    popup = new Popup({ maxWidth: "320px", focusAfterOpen: false }).setLngLat(at).setDOMContent(card(feature.properties)).addTo(map);
    map.getSource("chosen").setData({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: at } });
  }

  function card(values) {
    const box = document.createElement("div");
    box.className = "popup";
    const title = document.createElement("h3");
    title.dir = "auto";
    title.textContent = data.title && values[data.title] != null ? plain(String(values[data.title])) : keys.map((key) => values[key]).join(" / ");
    box.append(title);
    const facts = document.createElement("dl");
    let count = 0;
    for (const [name, [label, unit]] of Object.entries(labels)) {
      if (name === data.title || count >= 14 || !(name in values)) continue;
      const term = document.createElement("dt");
      const fact = document.createElement("dd");
      term.textContent = label;
      fact.dir = "auto";
      fact.textContent = said(values[name], unit);
      facts.append(term, fact);
      count += 1;
    }
    box.append(facts);
    if (keys.length && keys.every((key) => values[key] != null)) {
      const link = document.createElement("a");
      link.href = data.row + encodeURIComponent(keys.map((key) => encodeURIComponent(String(values[key]))).join(",")).replaceAll("%2C", ",");
      link.textContent = words.row;
      const line = document.createElement("p");
      line.append(link);
      box.append(line);
    }
    return box;
  }

  function said(value, unit) {
    if (value === null || value === undefined || value === "null") return words.none;
    if (value === true || value === "true") return words.yes;
    if (value === false || value === "false") return words.no;
    const text = typeof value === "number" ? number.format(value) : plain(String(value));
    return unit && typeof value === "number" ? `${text} ${unit}` : text;
  }

  // What a page editor wrote, without its tags; any other text as it is.
  function plain(text) {
    const tag = /<\/?(?:a|b|big|blockquote|br|center|dd|div|dl|dt|em|font|h[1-6]|hr|i|img|li|ol|p|pre|section|small|span|strong|sub|sup|table|tbody|td|th|thead|tr|u|ul)(?:\s[^<>]*)?\/?>/gi;
    if (text.search(tag) < 0) return text;
    const page = new DOMParser().parseFromString(text.replace(tag, " "), "text/html");
    return page.body.textContent.replace(/\s+/g, " ").trim();
  }

  const layers = ["dot", "path", "area"];
  map.on("click", (event) => {
    const reach = [[event.point.x - 6, event.point.y - 6], [event.point.x + 6, event.point.y + 6]];
    const hit = map.queryRenderedFeatures(reach, { layers })[0];
    if (!hit) return;
    show(hit, hit.geometry.type === "Point" ? hit.geometry.coordinates : event.lngLat.toArray());
  });
  map.on("mousemove", (event) => {
    map.getCanvas().style.cursor = map.queryRenderedFeatures(event.point, { layers }).length ? "pointer" : "";
  });

  // The list walks through the places: focus or arrows show one, Enter opens its row.
  const items = list ? [...list.querySelectorAll("li")] : [];
  function choose(item) {
    for (const other of items) delete other.dataset.on;
    item.dataset.on = "yes";
    const at = [Number(item.dataset.x), Number(item.dataset.y)];
    if (!item.dataset.x || !map.getSource("chosen")) return;
    map.getSource("chosen").setData({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: at } });
    if (!map.getBounds().contains(at)) map.easeTo({ center: at, duration: calm ? 0 : 150 });
  }
  for (const [index, item] of items.entries()) {
    const link = item.querySelector("a");
    if (!link) continue;
    link.addEventListener("focus", () => choose(item));
    item.addEventListener("mouseenter", () => choose(item));
    link.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const next = step && items[index + step] && items[index + step].querySelector("a");
      if (next) {
        event.preventDefault();
        next.focus();
      }
    });
  }
}
