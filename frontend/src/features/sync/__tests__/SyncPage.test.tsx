import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { runningSync, session, syncRun } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

const PATH = "/settings/sync";
const page = (...items: object[]) => HttpResponse.json({ items, next_cursor: null });

describePage("Synchronisation", {
  path: PATH,
  api: "/syncs",
  data: "In step with the store",
  empty: { body: { items: [], next_cursor: null }, text: "Nothing was read yet" },
});

test("rows that could not be read are told by reason", async () => {
  const refused = [{ reason: "money: has more decimals than USD", count: 12 }];
  const resources = syncRun.resources.map((one) =>
    one.resource === "orders" ? { ...one, rows_refused: 12, refused_by_reason: refused } : one,
  );
  server.use(http.get("*/api/v1/syncs", () => page({ ...syncRun, resources })));
  renderApp(PATH);
  const table = await screen.findByRole("table", { name: "What could not be read" });
  expect(within(table).getByRole("row", { name: /more decimals than USD/ })).toHaveTextContent("Orders12");
});

test("a running one shows how far it is, and is stopped after a question", async () => {
  let stopped = false;
  server.use(
    http.get("*/api/v1/syncs", () => page(stopped ? { ...runningSync, state: "cancelled" } : runningSync)),
    http.delete("*/api/v1/syncs/syn_1", () => {
      stopped = true;
      return HttpResponse.json({ ...runningSync, state: "cancelled" });
    }),
  );
  renderApp(PATH);
  expect(await screen.findByText("Reading the store: 41%")).toBeInTheDocument();
  expect(screen.getByText("28,310 of 69,659")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Sync now" })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Stop it" }));
  const dialog = await screen.findByRole("dialog");
  expect(stopped).toBe(false);
  await userEvent.click(within(dialog).getByRole("button", { name: "Stop it" }));
  expect(await screen.findByText("The last synchronisation was stopped")).toBeInTheDocument();
});

test("one begins with what was chosen, and nothing is refused before it is asked", async () => {
  const sent: unknown[] = [];
  server.use(
    http.post("*/api/v1/syncs", async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json(runningSync, { status: 202 });
    }),
  );
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Sync now" }));
  const dialog = await screen.findByRole("dialog");
  for (const name of ["Customers", "Products", "Collections", "Orders", "Abandoned checkouts"])
    await userEvent.click(within(dialog).getByRole("checkbox", { name }));
  const last = within(dialog).getByRole("checkbox", { name: "Shopify segments" });
  await userEvent.click(last);
  await userEvent.click(within(dialog).getByRole("button", { name: "Sync now" }));
  expect(within(dialog).getByText("Choose at least one.")).toBeInTheDocument();
  expect(sent).toEqual([]);
  await userEvent.click(last);
  await userEvent.click(within(dialog).getByRole("button", { name: "Sync now" }));
  await waitFor(() => expect(sent).toEqual([{ mode: "bulk", resources: ["segments"] }]));
});

test("what came is exported by kind, and a failure says so with the request id", async () => {
  const asked: string[] = [];
  server.use(
    http.get("*/api/v1/syncs/syn_1/results/export", ({ request }) => {
      asked.push(new URL(request.url).search);
      return problem(503);
    }),
  );
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Export Orders" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Items of orders: As JSON Lines" }));
  expect(await screen.findByText("req_test_123")).toBeInTheDocument();
  expect(asked).toEqual(["?resource=order_lines&format=jsonl"]);
});

test("the comparison says what differed and what was repaired", async () => {
  renderApp(PATH);
  const table = await screen.findByRole("table", { name: "Nightly comparison with Shopify" });
  expect(within(table).getByRole("row", { name: /Orders/ })).toHaveTextContent(
    "69,65969,6581 missing, 2 older, 0 too many3",
  );
});

test("an earlier one is shown in full, and who only looks starts and exports nothing", async () => {
  const earlier = { ...syncRun, id: "syn_0", state: "failed", error: "The export expired." };
  server.use(
    http.get("*/api/v1/syncs", () => page(syncRun, earlier)),
    http.get("*/api/v1/session", () => HttpResponse.json({ ...session, permissions: ["read"] })),
  );
  renderApp(`${PATH}?run=syn_0`);
  expect(await screen.findByText("The last synchronisation did not finish")).toBeInTheDocument();
  expect(screen.getByText(/The export expired./)).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Sync now" })).toBeNull();
  expect(screen.queryByRole("button", { name: /^Export/ })).toBeNull();
});
