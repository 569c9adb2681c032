// Runs scripts/screenshots.ts through vite's own loader, since Node 20 reads no TypeScript.
import { createServer } from "vite";

const loader = await createServer({
  configFile: false,
  optimizeDeps: { noDiscovery: true },
  server: { middlewareMode: true },
  appType: "custom",
});
await loader.ssrLoadModule("/scripts/screenshots.ts");
await loader.close();
