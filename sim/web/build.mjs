// Builds the scripts and style sheets of the page and of the dashboard into dist/, and says which sheets the chart library adds.
//
//   npm ci && npm run build      (set-up does it: see sim/pages/build.py)

import {createHash} from "node:crypto";
import {mkdir, readFile, writeFile} from "node:fs/promises";
import {createRequire} from "node:module";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {build} from "esbuild";
import {feature} from "topojson-client";
import {CHART_CLASS} from "./src/look.js";

const here = dirname(fileURLToPath(import.meta.url));
const dist = process.argv[2] ?? join(here, "dist");
const require = createRequire(import.meta.url);

// Land of the countries that have a map, from Natural Earth's 1:10m countries (public domain).
async function coasts() {
  const wanted = JSON.parse(await readFile(join(here, "coasts.json"), "utf-8"));
  const atlas = JSON.parse(await readFile(require.resolve("world-atlas/countries-10m.json"), "utf-8"));
  const all = feature(atlas, atlas.objects.countries).features;
  return Object.fromEntries(
    Object.entries(wanted).map(([name, {id, smallest, frames}]) => {
      const land = all.find((one) => one.id === id);
      if (!land) throw new Error(`world-atlas has no country ${id} for ${name}`);
      const coordinates = land.geometry.coordinates
        .filter((polygon) => area(polygon[0]) >= smallest)
        .map((polygon) => polygon.map((ring) => simplified(ring).map((point) => point.map((x) => Math.round(x * 100) / 100))));
      return [name, {frames, land: {type: "MultiPolygon", coordinates}}];
    })
  );
}

// A ring with no point that lies within DETAIL degrees of the line between those that stay
// (Douglas and Peucker).
const DETAIL = 0.012;
function simplified(ring) {
  const kept = new Array(ring.length).fill(false);
  kept[0] = kept[ring.length - 1] = true;
  const middle = ring.length >> 1; // a ring ends where it begins: it needs a third point that stays
  kept[middle] = true;
  const parts = [[0, middle], [middle, ring.length - 1]];
  while (parts.length) {
    const [first, last] = parts.pop();
    let farthest = first, most = DETAIL;
    for (let k = first + 1; k < last; k++) {
      const off = distance(ring[k], ring[first], ring[last]);
      if (off > most) [farthest, most] = [k, off];
    }
    if (farthest !== first) {
      kept[farthest] = true;
      parts.push([first, farthest], [farthest, last]);
    }
  }
  return ring.filter((_, k) => kept[k]);
}

function distance([x, y], [x1, y1], [x2, y2]) {
  const length = Math.hypot(x2 - x1, y2 - y1);
  return length === 0 ? Math.hypot(x - x1, y - y1) : Math.abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length;
}

// Square degrees inside a ring.
function area(ring) {
  let twice = 0;
  for (let k = 0, last = ring.length - 1; k < ring.length; last = k++) {
    twice += ring[last][0] * ring[k][1] - ring[k][0] * ring[last][1];
  }
  return Math.abs(twice) / 2;
}

// The sheet that Plot puts into each figure, as the page's content policy names it. Its text is read
// from the library itself, so another version of the library gives another hash, not a blocked sheet.
async function librarySheets() {
  const library = dirname(fileURLToPath(import.meta.resolve("@observablehq/plot")));
  const source = await readFile(join(library, "plot.js"), "utf-8");
  const found = source.match(/svg\.append\("style"\)\.text\(\s*`([^`]+)`/);
  if (!found) throw new Error("Plot no longer puts its sheet into a figure as plot.js did: see build.mjs");
  const text = found[1].replaceAll("${className}", CHART_CLASS);
  if (text.includes("${")) throw new Error("Plot's sheet has parts that build.mjs does not know");
  return [`sha256-${createHash("sha256").update(text).digest("base64")}`];
}

const made = await build({
  entryPoints: {page: join(here, "src/page.jsx"), dashboard: join(here, "src/dashboard.jsx")},
  bundle: true,
  minify: true,
  write: false,
  outdir: dist,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "eof",
  jsx: "automatic",
  jsxImportSource: "preact",
  define: {COASTS: JSON.stringify(await coasts())}
});
await mkdir(dist, {recursive: true});
for (const {path, text} of made.outputFiles) {
  // Neither may end the element that it will stand in.
  const safe = text.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--").replaceAll("</style", "<\\/style");
  await writeFile(path, safe.trim() + "\n");
  console.log(`${path} ${Buffer.byteLength(safe).toLocaleString("en")} bytes`);
}
await writeFile(join(dist, "styles.json"), JSON.stringify(await librarySheets()) + "\n");
