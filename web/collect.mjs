// Copies what the portal serves out of node_modules into the package, with the licences beside the files.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync, existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "src", "arengo", "portal", "static", "vendor");
const modules = join(here, "node_modules");

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });

const pick = (name, from, keep, to) => {
  const folder = join(modules, name, from);
  mkdirSync(join(target, to), { recursive: true });
  for (const file of readdirSync(folder)) if (keep(file)) cpSync(join(folder, file), join(target, to, file));
  for (const licence of ["LICENSE", "LICENSE.txt", "LICENSE.md"])
    if (existsSync(join(modules, name, licence))) cpSync(join(modules, name, licence), join(target, to, "LICENSE"));
  const { version } = JSON.parse(readFileSync(join(modules, name, "package.json")));
  writeFileSync(join(target, to, "VERSION"), `${name} ${version}\n`);
};

pick("maplibre-gl", "dist", (f) => /^maplibre-gl.*\.(mjs|css|js)$/.test(f) && !/dev|\.map$/.test(f), "maplibre");
pick("@fontsource-variable/source-serif-4", "files", (f) => /(latin|latin-ext)-wght-normal\.woff2$/.test(f), "source-serif");
pick("@fontsource-variable/public-sans", "files", (f) => /(latin|latin-ext)-wght-normal\.woff2$/.test(f), "public-sans");
pick("@fontsource/noto-sans-arabic", "files", (f) => /arabic-(400|600)-normal\.woff2$/.test(f), "noto-arabic");

// Typefaces for drawings (PNG): the drawing library reads TrueType only. WOFF 1.0 is TrueType with packed tables
// (W3C, WOFF File Format 1.0, section 3), so they are unpacked here.
const unpacked = (woff) => {
  const tables = [];
  for (let i = 0, at = 44; i < woff.readUInt16BE(12); i++, at += 20) {
    const [offset, packed, length, check] = [4, 8, 12, 16].map((n) => woff.readUInt32BE(at + n));
    const body = woff.subarray(offset, offset + packed);
    tables.push({ tag: woff.subarray(at, at + 4), check, body: packed < length ? inflateSync(body) : body });
  }
  const count = tables.length;
  const power = 2 ** Math.floor(Math.log2(count));
  const head = Buffer.alloc(12 + 16 * count);
  woff.copy(head, 0, 4, 8);
  [count, power * 16, Math.log2(power), (count - power) * 16].forEach((n, i) => head.writeUInt16BE(n, 4 + 2 * i));
  const parts = [head];
  let place = head.length;
  tables.forEach(({ tag, check, body }, i) => {
    tag.copy(head, 12 + 16 * i);
    [check, place, body.length].forEach((n, k) => head.writeUInt32BE(n, 16 + 16 * i + 4 * k));
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    parts.push(padded);
    place += padded.length;
  });
  return Buffer.concat(parts);
};

mkdirSync(join(target, "drawing"), { recursive: true });
for (const [name, keep] of [
  ["@fontsource/public-sans", /-latin-(400|600)-normal\.woff$/],
  ["@fontsource/noto-sans-arabic", /-arabic-arabic-(400|600)-normal\.woff$/],
  ["@fontsource/source-serif-4", /-latin-600-normal\.woff$/],
]) {
  const folder = join(modules, name, "files");
  for (const file of readdirSync(folder).filter((f) => keep.test(f)))
    writeFileSync(join(target, "drawing", file.replace(/woff$/, "ttf")), unpacked(readFileSync(join(folder, file))));
  cpSync(join(modules, name, "LICENSE"), join(target, "drawing", `LICENSE-${name.split("/")[1]}`));
}

// Letters of Latin beyond the western ones for documents on paper (PDF). Apart from those for drawings: two files of
// one family in a folder would hide each other there.
mkdirSync(join(target, "paper"), { recursive: true });
const letters = join(modules, "@fontsource/public-sans", "files");
for (const file of readdirSync(letters).filter((f) => /-latin-ext-(400|600)-normal\.woff$/.test(f)))
  writeFileSync(join(target, "paper", file.replace(/woff$/, "ttf")), unpacked(readFileSync(join(letters, file))));
cpSync(join(modules, "@fontsource/public-sans", "LICENSE"), join(target, "paper", "LICENSE-public-sans"));
