// Pictures of every page against the mock backend, to look at: npm run screenshots -- [folder].
import { resolve } from "node:path";
import { createServer } from "vite";
import { launch } from "../e2e/browser";
import { look } from "../e2e/pages";

const PAGES: [string, string][] = [
  ["home", "/"],
  ["campaigns", "/campaigns"],
  ["gallery", "/campaigns/new"],
  ["editor", "/campaigns/cmp_draft/edit"],
  ["report", "/campaigns/cmp_sent"],
  ["compare", "/campaigns/compare?campaign=cmp_sent&campaign=cmp_old&campaign=cmp_live"],
  ["story", "/campaigns/cmp_sent?story=cus_1"],
  ["sending", "/campaigns/cmp_live"],
  ["segments", "/segments"],
  ["segment", "/segments/seg_lapsed"],
  ["segment-new", "/segments/new"],
  ["analytics", "/analytics"],
  ["tasks", "/tasks"],
  ["task", "/tasks/0193-c"],
  ["queues", "/tasks/queues"],
  ["schedules", "/tasks/schedules"],
  ["schedule-new", "/tasks/schedules/new"],
  ["workflows", "/tasks/workflows"],
  ["workflow", "/tasks/workflows/0193-wf-1"],
  ["workflow-new", "/tasks/workflows/new"],
  ["workers", "/workers"],
  ["alerts", "/workers/alerts"],
  ["settings", "/settings"],
  ["domains", "/settings/sending"],
  ["blocked", "/settings/sending/blocked"],
  ["topics", "/settings/sending/topics"],
  ["contact-policy", "/settings/contact-policy"],
  ["look", "/settings/look"],
  ["design", "/campaigns/cmp_design/design"],
  ["access", "/settings/access"],
  ["webhooks", "/settings/webhooks"],
  ["webhook", "/settings/webhooks/7"],
];

export async function main(folder: string, only: string | undefined): Promise<void> {
  const server = await createServer({
    mode: "mock",
    server: { port: 0, host: "127.0.0.1" },
    logLevel: "warn",
  });
  await server.listen();
  const address = server.resolvedUrls?.local[0]?.replace(/\/$/, "") ?? "";
  const browser = await launch();
  try {
    for (const [name, path] of PAGES.filter(([one]) => !only || one === only)) {
      const page = await browser.newPage({ locale: "en-US" });
      page.on("pageerror", (error) => console.error(`${name}: ${error.message}`));
      page.on("console", (message) => {
        if (message.type() === "error") console.error(`${name}: ${message.text()}`);
      });
      await page.goto(address + path, { timeout: 120_000 });
      const looks = await look(page, folder, name);
      for (const { width, overflow_px, problems } of looks) {
        console.log(`${name} ${width}: ${overflow_px} px sideways`, ...problems);
      }
      await page.close();
    }
  } finally {
    await browser.close();
    await server.close();
  }
}

await main(resolve(process.argv[2] ?? "node_modules/.cache/screenshots"), process.argv[3]);
