// Fails the build when the first load grows past its budget or charts or the visual editor slip into it.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** Measured 2026-11 at about 150 kB; Built for Shopify asks for an LCP of 2.5 s on a phone. */
const ENTRY_JS_BUDGET_BYTES = 180_000;
/** Purged Polaris is about 25 kB; unpurged it is 51 kB. */
const ENTRY_CSS_BUDGET_BYTES = 36_000;

const dist = new URL("../dist/", import.meta.url);
const html = readFileSync(new URL("index.html", dist), "utf8");
const size = (path) => gzipSync(readFileSync(new URL(`.${path}`, dist))).length;
const first = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1]);
const scripts = first.filter((path) => path.endsWith(".js"));
const styles = first.filter((path) => path.endsWith(".css"));
const total = (paths) => paths.reduce((sum, path) => sum + size(path), 0);
const problems = [];

for (const path of first) console.log(`${(size(path) / 1000).toFixed(1).padStart(7)} kB gz  ${path}`);
if (total(scripts) > ENTRY_JS_BUDGET_BYTES)
  problems.push(`entry JS ${total(scripts)} B > ${ENTRY_JS_BUDGET_BYTES} B`);
if (total(styles) > ENTRY_CSS_BUDGET_BYTES)
  problems.push(`entry CSS ${total(styles)} B > ${ENTRY_CSS_BUDGET_BYTES} B`);
if (scripts.some((path) => path.includes("charts"))) problems.push("charts are in the first load");
if (scripts.some((path) => path.includes("canvas"))) problems.push("the visual editor is in the first load");
if (/<script(?![^>]*\bsrc=)/.test(html))
  problems.push("index.html has an inline script, which the CSP refuses");
if (!readdirSync(new URL("assets/", dist)).some((name) => name.startsWith("charts")))
  problems.push("no charts chunk");
if (!readdirSync(new URL("assets/", dist)).some((name) => name.startsWith("canvas")))
  problems.push("no chunk of the visual editor");

console.log(
  `first load: JS ${(total(scripts) / 1000).toFixed(1)} kB gz, CSS ${(total(styles) / 1000).toFixed(1)} kB gz`,
);
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
