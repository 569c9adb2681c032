// Removes the rules of Polaris' style sheet that no built chunk can use: it is render-blocking, and most of it is unused.
import { PurgeCSS } from "purgecss";
import type { Plugin } from "vite";

export function purgePolaris(): Plugin {
  return {
    name: "storecast-purge-css",
    apply: "build",
    enforce: "post",
    async generateBundle(_options, bundle) {
      const content = Object.values(bundle).flatMap((file) =>
        file.type === "chunk" ? [{ raw: file.code, extension: "js" }] : [],
      );
      for (const file of Object.values(bundle)) {
        if (file.type !== "asset" || !file.fileName.endsWith(".css")) continue;
        const [result] = await new PurgeCSS().purge({
          content,
          css: [{ raw: String(file.source) }],
          // Class names appear in the scripts as plain strings, composed ones as "Polaris-X--y".
          defaultExtractor: (text) => text.match(/[A-Za-z0-9_-]+/g) ?? [],
          safelist: {
            standard: ["html", "body", /^p-theme/, /^recharts/],
            greedy: [/data-/, /aria-/, /gjs-/, /sp-/],
          },
          variables: false,
          keyframes: false,
          fontFace: false,
        });
        if (result) file.source = result.css;
      }
    },
  };
}
