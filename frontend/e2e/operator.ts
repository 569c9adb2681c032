/** What an operator does when work fails, and what the test has to arrange for it. */
import { execFileSync } from "node:child_process";
import type { Frame } from "playwright-core";
import type { Admin } from "./admin";

export const MERCHANT = "91000000001";
const OPERATOR = "91000000002";

/** Roles are given in the database, for want of a page. */
const GIVE_ROLE = `
import os, sys, psycopg
with psycopg.connect(os.environ["DATABASE_URL"].replace("+psycopg", "")) as connection:
    changed = connection.execute(
        "UPDATE shop_members SET role = 'operator' WHERE shopify_user_id = %s", (sys.argv[1],)
    )
# Not inside, where leaving takes the change back.
sys.exit(changed.rowcount != 1)
`;

/** Makes a member of staff, who has opened the app before, an operator. */
function makeOperator(user: string): void {
  execFileSync("python", ["-c", GIVE_ROLE, user], { stdio: ["ignore", "inherit", "inherit"] });
}

/** Shopify refuses every access token, until `acceptTokens`. */
async function refuseTokens(admin: Admin): Promise<void> {
  await admin.page.request.post(`${admin.address}/control/faults`, { data: { token_revoked: true } });
}

async function acceptTokens(admin: Admin): Promise<void> {
  await admin.page.request.delete(`${admin.address}/control/faults`);
}

/** Chooses an entry of the menu of a queue's row. */
async function actOnQueue(app: Frame, queue: string, action: string): Promise<void> {
  await app.getByRole("button", { name: new RegExp(`${queue}$`) }).click();
  await app.getByRole("menuitem", { name: action, exact: true }).click();
}

const IMPORT_MS = 60_000;

/** The id of the task that imports the orders, the longest of a synchronisation, once it is at work. */
async function runningImport(admin: Admin): Promise<string> {
  const { request } = admin.page;
  const api = new URL((await admin.app()).url()).origin;
  const query = new URLSearchParams({ state: "running", q: "name:sync.import" });
  const until = Date.now() + IMPORT_MS;
  while (Date.now() < until) {
    const { token } = await (await request.get(admin.url("/id-token"))).json();
    const answer = await request.get(`${api}/api/v1/jobs?${query}`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    const { items }: { items: { id: string; progress: { note: string } | null }[] } = await answer.json();
    const found = items.find(({ progress }) => progress?.note === "orders");
    if (found) return found.id;
  }
  throw new Error("no import of orders ran");
}

type Photograph = (name: string) => Promise<void>;

/** A sync that Shopify refuses: seen by the merchant and by an operator, who starts it again in a paused queue. */
export async function failAndRetry(admin: Admin, photograph: Photograph): Promise<void> {
  await admin.playAs(OPERATOR);
  await admin.openAt("/");
  makeOperator(OPERATOR);
  await admin.playAs(MERCHANT);
  const home = await admin.openAt("/");
  await refuseTokens(admin);
  await home.getByRole("button", { name: /^Sync (now|again)$/ }).click();
  const merchant = await admin.open("Tasks");
  await merchant.getByText("Storecast has lost its permission to read this store.").first().waitFor();
  await acceptTokens(admin);
  await photograph("tasks-merchant");

  await admin.playAs(OPERATOR);
  const queues = await admin.openAt("/tasks/queues");
  await actOnQueue(queues, "Store data", "Pause");
  const pause = queues.getByRole("dialog");
  await pause.getByLabel("Reason").fill("Looking at what Shopify answers");
  await pause.getByRole("button", { name: "Pause" }).click();
  await queues.getByText(/^Store data is paused by you/).waitFor();
  await photograph("queues");

  const app = await admin.openAt("/tasks/dead-letters");
  await app.getByRole("link", { name: /TokenRefused/ }).waitFor();
  await photograph("dead-letters");
  await app.getByRole("link", { name: /TokenRefused/ }).click();
  await app.getByRole("link", { name: "Open the newest" }).click();
  await app.getByRole("button", { name: "Edit and retry" }).click();
  const dialog = app.getByRole("dialog");
  const args = dialog.getByRole("textbox", { name: "Arguments" });
  const given = await args.inputValue();
  await args.fill(given.replace(/\d+/, '"first"'));
  await dialog.getByText(/Expected integer, found string/).waitFor();
  await args.fill(given);
  await dialog.getByLabel("Reason").fill("Shopify takes the token again");
  await dialog.getByRole("button", { name: "Retry with these" }).click();
  // Its queue stands still: the page of the new run says so.
  await app.getByText("Why it waits").waitFor();
}

/** The queue goes on; the sync that follows the retry is stopped in the middle of its longest task. */
export async function cancelRunning(admin: Admin, photograph: Photograph): Promise<void> {
  const retried = new URL((await admin.app()).url()).pathname;
  const queues = await admin.openAt("/tasks/queues");
  await actOnQueue(queues, "Store data", "Resume");
  // Leaving at once would take the request along.
  await queues.getByText(/^Store data is paused by/).waitFor({ state: "detached" });
  const run = await admin.openAt(retried);
  await run.locator(".Polaris-Page-Header__Row").getByText("Succeeded", { exact: true }).waitFor();

  const app = await admin.openAt(`/tasks/${await runningImport(admin)}`);
  await app.getByRole("button", { name: "Cancel task" }).click();
  await app.getByText("The task noticed and stopped").waitFor();
  await photograph("task-cancelled");
  await admin.openAt("/tasks/workflows");
  await photograph("workflows");
  await admin.openAt("/tasks/schedules");
  await photograph("schedules");
}
