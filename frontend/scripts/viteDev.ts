// Development-only vite plugins: blank the placeholders that the API process fills, and answer /api from the test handlers.
import { getResponse } from "msw";
import type { Plugin } from "vite";

/** Drops the App Bridge script from index.html, as the API process does outside the admin's iframe. */
export function placeholdersInDev(): Plugin {
  return {
    name: "storecast-placeholders",
    apply: "serve",
    transformIndexHtml: {
      order: "pre",
      handler: (html) => html.replace(/^.*data-app-bridge.*\n/m, "").replace("__SHOPIFY_API_KEY__", ""),
    },
  };
}

/** Serves /api from src/testing/handlers.ts, so that `npm run dev:mock` needs no backend. */
export function mockApi(): Plugin {
  return {
    name: "storecast-mock-api",
    apply: "serve",
    configureServer(server) {
      server.middlewares.use(async (req, res, next) => {
        if (!req.url?.startsWith("/api/")) {
          next();
          return;
        }
        const chunks: Buffer[] = [];
        for await (const chunk of req) chunks.push(chunk as Buffer);
        const { handlers } = await server.ssrLoadModule("/src/testing/handlers.ts");
        const request = new Request(new URL(req.url, `http://${req.headers.host}`), {
          method: req.method ?? "GET",
          headers: Object.entries(req.headers).flatMap(([name, value]): [string, string][] =>
            typeof value === "string" ? [[name, value]] : [],
          ),
          ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
        });
        const response = await getResponse(handlers, request);
        if (!response) {
          res.statusCode = 404;
          res.end();
          return;
        }
        res.statusCode = response.status;
        for (const [name, value] of response.headers) res.setHeader(name, value);
        res.end(Buffer.from(await response.arrayBuffer()));
      });
    },
  };
}
