// Build and test configuration. Invariants: no inline script in the built page, hashed files under /assets,
// charts never in the entry chunk (scripts/check-bundle.mjs measures it).
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { mockApi, placeholdersInDev } from "./scripts/viteDev.ts";
import { purgePolaris } from "./scripts/vitePurgeCss.ts";

const API = process.env.STORECAST_API_URL ?? "http://127.0.0.1:8100";

export default defineConfig(({ mode }) => ({
  base: "/",
  plugins: [react(), placeholdersInDev(), purgePolaris(), ...(mode === "mock" ? [mockApi()] : [])],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: {
    host: "127.0.0.1",
    ...(mode === "mock" ? {} : { proxy: { "/api": API, "/auth": API } }),
  },
  build: {
    target: "es2022",
    assetsDir: "assets",
    // A data: URL would need img-src and font-src exceptions in the content security policy.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules\/(react|react-dom|scheduler|react-router)\// },
            {
              name: "charts",
              test: /node_modules\/(recharts|d3-|victory-vendor|@reduxjs|immer|reselect|redux|react-redux|decimal\.js-light|es-toolkit)/,
            },
          ],
        },
      },
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
    css: false,
    testTimeout: 20_000,
    pool: "threads",
    // Loading Polaris anew for each file costs more than all tests together; setup.ts puts everything back instead.
    isolate: false,
    maxWorkers: 2,
  },
}));
