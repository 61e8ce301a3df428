// Checks the record with nothing but its published files (C2SP tlog-tiles) and this browser's own SHA-256 and Ed25519.
// What the page says is not believed: the leaf is taken from the files, its path is computed from the tiles, and the
// root that comes out has to be the signed one. The last checkpoint seen is kept here, so a record that was set back or
// rewritten between two visits is found.
(() => {
  const ROOT = "/ledger/v1";
  const WIDTH = 256;
  const SEEN = "arengo-record:";

  const sha256 = async (...parts) => {
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) { all.set(part, at); at += part.length; }
    return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
  };
  const join = (left, right) => sha256([1], left, right);
  const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);
  const bytes = (base64) => Uint8Array.from(atob(base64), (mark) => mark.charCodeAt(0));
  const text64 = (data) => btoa(String.fromCharCode(...data));
  const utf8 = new TextEncoder();

  const path = (level, index, width) => {
    let rest = Math.floor(index / 1000);
    let name = String(index % 1000).padStart(3, "0");
    while (rest) { name = `x${String(rest % 1000).padStart(3, "0")}/${name}`; rest = Math.floor(rest / 1000); }
    return `${ROOT}/tile/${level}/${name}${width < WIDTH ? `.p/${width}` : ""}`;
  };
  const fetched = async (address, form) => {
    const answer = await fetch(address, { headers: { Accept: "*/*" } });
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    return form === "text" ? answer.text() : new Uint8Array(await answer.arrayBuffer());
  };

  // A tree of `size` leaves, read tile by tile.
  const treeOf = (size) => {
    const kept = new Map();
    const tile = (level, index) => {
      const key = `${level}/${index}`;
      if (!kept.has(key)) {
        const held = Math.floor(size / WIDTH ** level) - index * WIDTH;
        kept.set(key, fetched(path(level, index, Math.min(held, WIDTH))));
      }
      return kept.get(key);
    };
    const node = async (level, index) => {
      const height = Math.floor(level / 8);
      const count = 2 ** (level % 8);
      const start = index * count;
      const hashes = await tile(height, Math.floor(start / WIDTH));
      let row = [];
      for (let at = start % WIDTH; at < (start % WIDTH) + count; at++) {
        const hash = hashes.slice(at * 32, at * 32 + 32);
        if (hash.length !== 32) throw new Error("a tile is too short");
        row.push(hash);
      }
      while (row.length > 1) {
        const above = [];
        for (let at = 0; at < row.length; at += 2) above.push(await join(row[at], row[at + 1]));
        row = above;
      }
      return row[0];
    };
    const below = (count) => { let power = 1; while (power * 2 < count) power *= 2; return power; };
    const range = async (start, end) => {
      const count = end - start;
      const level = Math.floor(Math.log2(count));
      const whole = 2 ** level;
      if (whole === count) return node(level, start / whole);
      return join(await node(level, start / whole), await range(start + whole, end));
    };
    // RFC 9162, 2.1.3.1: from the leaf up.
    const inclusion = async (index) => {
      const steps = [];
      let start = 0, end = size;
      while (end - start > 1) {
        const middle = start + below(end - start);
        if (index < middle) { steps.unshift(await range(middle, end)); end = middle; }
        else { steps.unshift(await range(start, middle)); start = middle; }
      }
      return steps;
    };
    // RFC 9162, 2.1.4.1.
    const consistency = async (old) => {
      const steps = [];
      let start = 0, end = size, known = true;
      while (old !== end) {
        const middle = start + below(end - start);
        if (old <= middle) { steps.unshift(await range(middle, end)); end = middle; }
        else { steps.unshift(await range(start, middle)); start = middle; known = false; }
      }
      if (!known) steps.unshift(await range(start, end));
      return steps;
    };
    return { inclusion, consistency };
  };

  const half = (n) => Math.floor(n / 2);
  // RFC 9162, 2.1.3.2.
  const included = async (leaf, index, size, steps, root) => {
    let at = index, last = size - 1, found = leaf;
    for (const step of steps) {
      if (last === 0) return false;
      if (at % 2 || at === last) {
        found = await join(step, found);
        while (at % 2 === 0 && at) { at = half(at); last = half(last); }
      } else found = await join(found, step);
      at = half(at); last = half(last);
    }
    return last === 0 && same(found, root);
  };
  // RFC 9162, 2.1.4.2.
  const continues = async (old, size, steps, before, after) => {
    if (old > size) return false;
    if (old === size) return same(before, after);
    if (old === 0) return true;
    const all = Number.isInteger(Math.log2(old)) ? [before, ...steps] : steps;
    let at = old - 1, last = size - 1;
    while (at % 2) { at = half(at); last = half(last); }
    let first = all[0], second = all[0];
    for (const step of all.slice(1)) {
      if (last === 0) return false;
      if (at % 2 || at === last) {
        first = await join(step, first);
        second = await join(step, second);
        while (at % 2 === 0 && at) { at = half(at); last = half(last); }
      } else second = await join(second, step);
      at = half(at); last = half(last);
    }
    return last === 0 && same(first, before) && same(second, after);
  };

  // A verifier key of C2SP signed-note: NAME+KEYID+BASE64(1 || key).
  const keyOf = (line) => {
    const [name, id, ...tail] = line.split("+");
    return { name, id, public: bytes(tail.join("+")).slice(1) };
  };
  const checkpointOf = (note) => {
    const gap = note.lastIndexOf("\n\n");
    const body = note.slice(0, gap + 1);
    const [origin, size, root] = body.split("\n");
    if (!/^(0|[1-9][0-9]{0,15})$/.test(size)) throw new Error("no checkpoint");
    const signatures = note.slice(gap + 2).trimEnd().split("\n").map((line) => {
      const [, name, packed] = line.split(" ");
      const data = bytes(packed);
      const id = [...data.slice(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return { name, id, made: data.slice(4) };
    });
    return { body, origin, size: Number(size), root: bytes(root), signatures };
  };
  const signed = async (checkpoint, key) => {
    const found = checkpoint.signatures.find((item) => item.name === key.name && item.id === key.id);
    if (!found || checkpoint.origin !== key.name) return "failed";
    let imported;
    try {
      imported = await crypto.subtle.importKey("raw", key.public, { name: "Ed25519" }, false, ["verify"]);
    } catch {
      return "unable";
    }
    const right = await crypto.subtle.verify({ name: "Ed25519" }, imported, found.made, utf8.encode(checkpoint.body));
    return right ? "done" : "failed";
  };
  const leafOf = async (index, size) => {
    const tile = Math.floor(index / WIDTH);
    const data = await fetched(path("entries", tile, Math.min(size - tile * WIDTH, WIDTH)));
    let at = 0;
    for (let skip = index % WIDTH; skip > 0; skip--) at += 2 + data[at] * 256 + data[at + 1];
    return data.slice(at + 2, at + 2 + data[at] * 256 + data[at + 1]);
  };
  const remembered = (origin) => {
    try { return JSON.parse(localStorage.getItem(SEEN + origin) || "null"); } catch { return null; }
  };

  const check = async (place, tell) => {
    const key = keyOf(place.dataset.key);
    const number = Number(place.dataset.entry);
    const checkpoint = checkpointOf(await fetched(`${ROOT}/checkpoint`, "text"));
    tell("checkpoint", "done");
    tell("signature", await signed(checkpoint, key));
    const tree = treeOf(checkpoint.size);
    const index = number >= 0 ? number : checkpoint.size - 1;
    if (index >= 0 && index < checkpoint.size) {
      const leaf = await leafOf(index, checkpoint.size);
      const shown = document.getElementById("leaf");
      if (number >= 0) tell("leaf", shown && new TextDecoder().decode(leaf) === shown.textContent ? "done" : "failed");
      const steps = await tree.inclusion(index);
      const right = await included(await sha256([0], leaf), index, checkpoint.size, steps, checkpoint.root);
      tell(number >= 0 ? "inclusion" : "newest", right ? "done" : "failed");
    }
    const before = remembered(checkpoint.origin);
    let state = "unable";
    if (before) {
      const grown = before.size < checkpoint.size && before.size > 0;
      const steps = grown ? await tree.consistency(before.size) : [];
      state = (await continues(before.size, checkpoint.size, steps, bytes(before.root), checkpoint.root)) ? "done" : "failed";
    }
    tell("consistency", state);
    if (state !== "failed" && !place.querySelector('[data-state="failed"]')) {
      try {
        localStorage.setItem(SEEN + checkpoint.origin, JSON.stringify({ size: checkpoint.size, root: text64(checkpoint.root) }));
      } catch { /* the browser keeps nothing: the next check is a first one again */ }
    }
  };

  for (const place of document.querySelectorAll(".checking")) {
    place.hidden = false;
    const button = place.querySelector("button");
    if (!globalThis.crypto?.subtle) { // a page without https
      button.hidden = true;
      place.querySelector(".plain-http").hidden = false;
      continue;
    }
    const steps = place.querySelector(".steps");
    const result = place.querySelector(".result");
    const tell = (name, state) => {
      const step = steps.querySelector(`[data-step="${name}"]`);
      if (step) step.dataset.state = state;
    };
    button.addEventListener("click", async () => {
      button.disabled = true;
      steps.hidden = false;
      for (const step of steps.children) delete step.dataset.state;
      delete result.dataset.state;
      try {
        await check(place, tell);
      } catch {
        const next = [...steps.children].find((step) => !step.dataset.state);
        if (next) next.dataset.state = "failed";
      }
      result.hidden = false;
      result.dataset.state = steps.querySelector('[data-state="failed"]') ? "failed" : "done";
      button.disabled = false;
    });
  }
})();
