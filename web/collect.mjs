// Copies what the portal serves out of node_modules into the package, with the licences beside the files.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync, existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

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
