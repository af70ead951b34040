// Makes the page's own JavaScript smaller, and one style sheet of all: `node minify.mjs FOLDER_OF_THE_PAGE FOLDER_WITH_NODE_MODULES`.
//
// Trunk minifies what its own minifier can read, which wasm-bindgen's output is not. The file gets a new name, because browsers keep
// the old one for ever, and index.html the new name and digest.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [page, tools] = process.argv.slice(2);
const { transformSync } = createRequire(join(tools, "package.json"))("esbuild");

const index = join(page, "index.html");
const oldName = readdirSync(page).find((name) => /^hearth-page-[0-9a-f]+\.js$/.test(name));
if (!oldName) throw new Error(`there is no hearth-page-….js in ${page}`);
const script = readFileSync(join(page, oldName));
const digest = (bytes) => "sha384-" + createHash("sha384").update(bytes).digest("base64");

const small = Buffer.from(transformSync(script, { minify: true, format: "esm", target: "es2022", legalComments: "none" }).code);
const named = (end, bytes) => `${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}.${end}`;
const newName = `hearth-page-${named("js", small)}`;

let html = readFileSync(index, "utf8");
if (!html.includes(oldName) || !html.includes(digest(script))) throw new Error("index.html does not name the script with its digest");
html = html.replaceAll(oldName, newName).replaceAll(digest(script), digest(small));
writeFileSync(join(page, newName), small);
if (newName !== oldName) unlinkSync(join(page, oldName));

// One after the other, as they are named: compressed together they are smaller, and the first paint waits for one.
const links = [...html.matchAll(/<link href="?\.\/([\w-]+\.css)"?[^>]*>/g)];
if (links.length < 2) throw new Error("index.html does not name its style sheets as this expects");
const styles = Buffer.concat(links.map(([, name]) => readFileSync(join(page, name))));
const stylesName = `styles-${named("css", styles)}`;
links.forEach(([link, name], nth) => {
  html = html.replace(link, nth ? "" : `<link href="./${stylesName}" integrity="${digest(styles)}" rel="stylesheet">`);
  unlinkSync(join(page, name));
});
writeFileSync(join(page, stylesName), styles);
writeFileSync(index, html);
