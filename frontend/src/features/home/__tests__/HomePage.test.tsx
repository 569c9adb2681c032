import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import type { SyncRun } from "@/lib/api/types";
import { home, money, runningSync, syncRun } from "@/testing/data";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

type Resource = SyncRun["resources"][number];

describePage("Home", {
  path: "/",
  api: "/home",
  data: "$25,732.50",
  empty: {
    body: {
      ...home,
      earned: { ...home.earned, attributed: money(0), previous: money(0), messages_sent: 0 },
      recent_campaigns: [],
      sync: null,
      growth: [],
    },
    text: "Nothing yet. The first campaign starts the count.",
  },
});

test("says in words how the period compares", async () => {
  renderApp("/");
  expect(await screen.findByText("$6,392.50 more than in the 30 days before (+33%)")).toBeInTheDocument();
});

test("a running sync shows a bar, its count and that it goes on by itself", async () => {
  server.use(http.get("*/api/v1/home", () => HttpResponse.json({ ...home, sync: runningSync })));
  renderApp("/");
  const bar = await screen.findByRole("progressbar", { name: "Orders" });
  expect(bar).toHaveAttribute("aria-valuenow", "41");
  expect(screen.getByText("28,310 of 69,659")).toBeInTheDocument();
  expect(screen.getByText("You can leave this page; the sync goes on.")).toBeInTheDocument();
});

test("rows that could not be read are told by reason, and what may not be read is named", async () => {
  const [customers, products, orders] = syncRun.resources as [Resource, Resource, Resource];
  const sync = {
    ...syncRun,
    resources: [
      { ...customers, rows_refused: 3, refused_by_reason: [{ reason: "not JSON", count: 3 }] },
      products,
      { ...orders, state: "skipped", skipped_reason: "The app has not been granted read_orders." },
    ],
  };
  server.use(http.get("*/api/v1/home", () => HttpResponse.json({ ...home, sync })));
  renderApp("/");

  expect(await screen.findByText("3 rows could not be read.")).toBeInTheDocument();
  expect(screen.getByText("Customers: 3 rows, not JSON")).toBeInTheDocument();
  expect(screen.getByText("Orders left out: The app has not been granted read_orders.")).toBeInTheDocument();
});

test("a sync starts in the mode that was chosen", async () => {
  const sent: unknown[] = [];
  server.use(
    http.post("*/api/v1/syncs", async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json(runningSync, { status: 202 });
    }),
  );
  renderApp("/");

  await userEvent.selectOptions(await screen.findByLabelText("How to read"), "Page by page");
  await userEvent.click(screen.getByRole("button", { name: "Sync now" }));

  await waitFor(() => expect(sent).toEqual([{ mode: "paginated" }]));
});

test("the newest comparison with Shopify says what it found and repaired", async () => {
  renderApp("/");
  expect(await screen.findByText(/3 rows differed, 3 repaired/)).toBeInTheDocument();
});

test("the checklist can be removed, and stays removed", async () => {
  const { unmount } = renderApp("/");
  await userEvent.click(await screen.findByRole("button", { name: "Hide this list" }));
  expect(screen.queryByText("Get to your first campaign")).toBeNull();
  unmount();
  renderApp("/");
  await screen.findByText("$25,732.50");
  expect(screen.queryByText("Get to your first campaign")).toBeNull();
});

test("without a single new customer there is a sentence, and no chart", async () => {
  const growth = home.growth.map((day) => ({ ...day, customers: 23_570 }));
  server.use(http.get("*/api/v1/home", () => HttpResponse.json({ ...home, growth })));
  renderApp("/");
  expect(await screen.findByText(/^Nobody new has come since /)).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Show as table" })).toBeNull();
});

test("one day before is one day", async () => {
  server.use(
    http.get("*/api/v1/home", () => HttpResponse.json({ ...home, earned: { ...home.earned, days: 1 } })),
  );
  renderApp("/");
  expect(await screen.findByText("Earned by campaigns in the last 1 day")).toBeInTheDocument();
  expect(screen.getByText("$6,392.50 more than in the 1 day before (+33%)")).toBeInTheDocument();
});

test("what needs the reader comes worst first, with its remedy", async () => {
  server.use(
    http.get("*/api/v1/home", () =>
      HttpResponse.json({
        ...home,
        needs: [
          { code: "workers_lost", severity: "info", facts: { count: 1 } },
          { code: "dead_tasks", severity: "critical", facts: { count: 2 } },
        ],
      }),
    ),
  );
  renderApp("/");
  const needs = await screen.findByRole("region", { name: "Needs you" });
  expect(needs.textContent).toMatch(/2 tasks gave up.*stopped answering/s);
  expect(screen.getByRole("link", { name: "Look at them" })).toHaveAttribute("href", "/tasks?state=dead");
});
