// Bundles the pixel into one classic script, the form that Shopify's worker and the simulator's storefront load.
// With --tests it also bundles the tests, because Node 20 does not read TypeScript.
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));

await build({
  absWorkingDir: here,
  entryPoints: ["src/index.ts"],
  outfile: "dist/web-pixel.js",
  bundle: true,
  format: "iife",
  target: "es2020",
  minify: true,
  legalComments: "none",
  logLevel: "warning",
});

if (process.argv.includes("--tests")) {
  rmSync(join(here, ".test-build"), { recursive: true, force: true });
  await build({
    absWorkingDir: here,
    entryPoints: readdirSync(join(here, "tests"))
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => `tests/${name}`),
    outdir: ".test-build",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
  });
}
