import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import * as data from "@/testing/data";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { delivery, topicReport } from "@/testing/webhooksData";

const PAGE = "/settings/webhooks";

describePage("Webhooks", {
  path: PAGE,
  api: "/webhooks/deliveries",
  data: "ValueError: a price that is no number",
  empty: { body: { items: [], next_cursor: null }, text: "No deliveries yet" },
});

describePage("Delivery", { path: `${PAGE}/7`, api: "/webhooks/deliveries/7", data: /Kind of Blue/ });

test("the topics say how many came, how fast, and what went wrong", async () => {
  renderApp(PAGE);
  const table = await screen.findByRole("table", { name: "By topic" });
  const row = within(table).getByRole("link", { name: "products/update" }).closest("tr");
  expect(row).toHaveTextContent("412ms");
  expect(row).toHaveTextContent("2 failed");
  expect(await screen.findByText("2 deliveries could not be handled")).toBeInTheDocument();
  expect(screen.getByText(/2 changes of the last two weeks/)).toBeInTheDocument();
});

test("filters go to the address and to the API", async () => {
  const asked: string[] = [];
  server.use(
    http.get("*/api/v1/webhooks/deliveries", ({ request }) => {
      asked.push(new URL(request.url).search);
      return HttpResponse.json({ items: [], next_cursor: null });
    }),
  );
  const { router } = renderApp(`${PAGE}?topic=orders%2Fcreate`);
  await userEvent.click(await screen.findByRole("button", { name: "Failed" }));
  await userEvent.type(screen.getByRole("searchbox"), "820982");
  await waitFor(
    () => expect(router.state.location.search).toBe("?topic=orders%2Fcreate&state=dead&q=820982"),
    { timeout: 5_000 },
  );
  expect(await screen.findByText("No delivery matches")).toBeInTheDocument();
  await waitFor(() => expect(asked.at(-1)).toBe("?topic=orders%2Fcreate&state=dead&q=820982"));
});

test("a replay is counted before it is done", async () => {
  const asked: Record<string, unknown>[] = [];
  server.use(
    http.post("*/api/v1/webhooks/replay", async ({ request }) => {
      const body = (await request.json()) as { dry_run: boolean };
      asked.push(body);
      return HttpResponse.json({ matched: 1, replayed: body.dry_run ? 0 : 1, dry_run: body.dry_run });
    }),
  );
  renderApp(`${PAGE}/7`);
  await userEvent.click(await screen.findByRole("button", { name: "Replay" }));
  await userEvent.click(await screen.findByRole("button", { name: "Replay 1 delivery" }));
  const request = { ids: [7], state: "dead", cap: 1_000 };
  await waitFor(() =>
    expect(asked.filter((one) => one.dry_run === false)).toEqual([{ ...request, dry_run: false }]),
  );
  expect(asked[0]).toEqual({ ...request, dry_run: true });
});

test("who may not operate is offered no replay", async () => {
  server.use(
    http.get("*/api/v1/session", () => HttpResponse.json({ ...data.session, permissions: ["read"] })),
  );
  renderApp(`${PAGE}/7`);
  expect(await screen.findByText(/Kind of Blue/)).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Replay" })).toBeNull();
});

test("a delivery that is handled again shows what became of it, without looking at its payload again and again", async () => {
  const states = ["waiting", "applied"] as const;
  let looks = 0;
  let asked = 0;
  const row = { ...delivery, id: 7 };
  server.use(
    http.get("*/api/v1/webhooks/deliveries/7", () =>
      HttpResponse.json({ ...row, error: null, state: states[Math.min(looks++, 1)] }),
    ),
    http.get("*/api/v1/webhooks/deliveries", () => {
      asked += 1;
      return HttpResponse.json({
        items: [{ ...row, state: asked > 1 ? "applied" : "waiting" }],
        next_cursor: null,
      });
    }),
  );
  renderApp(`${PAGE}/7`);
  expect(await screen.findByText("It is stored and will be handled in a moment.")).toBeInTheDocument();
  expect(
    await screen.findByText("What it says has been taken over.", {}, { timeout: 6_000 }),
  ).toBeInTheDocument();
  expect(looks).toBe(2);
});

test("a time without deliveries says so and offers nothing to replay", async () => {
  server.use(
    http.get("*/api/v1/webhooks/topics", () =>
      HttpResponse.json({
        ...topicReport,
        topics: topicReport.topics.map((row) => ({ ...row, received: 0, dead: 0 })),
      }),
    ),
  );
  renderApp(PAGE);
  expect(await screen.findByText("No delivery came in this time")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Replay…" })).toBeNull();
  expect(screen.queryByRole("table", { name: "By topic" })).toBeNull();
});
