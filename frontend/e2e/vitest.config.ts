import { defineConfig } from "vitest/config";

/** The main job against a running demo. One browser, in order; the whole of it has ten minutes. */
export default defineConfig({
  test: {
    include: ["e2e/**/*.test.ts"],
    testTimeout: 600_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    bail: 1,
  },
});
