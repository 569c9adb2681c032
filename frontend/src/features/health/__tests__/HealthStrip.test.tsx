import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import { problem } from "@/testing/handlers";
import { health, queues } from "@/testing/queuesData";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { jobsSummary, operator, runs } from "@/testing/tasksData";

beforeEach(() => server.use(http.get("*/api/v1/session", () => HttpResponse.json(operator))));

const strip = () => screen.findByRole("region", { name: "Health of the platform" });

test("what is wrong comes first, and each figure leads to its list", async () => {
  const { router } = renderApp("/tasks");
  const links = within(await strip()).getAllByRole("link");
  expect(links.map((link) => link.textContent)).toEqual([
    "✕Oldest wait in Store data2m 19slimit 1m",
    "✕Processes late or lost1limit 0",
    "!Oldest wait in Sending4m 10slimit 4m",
    "✓Failed in 5 minutes0.4%",
    "✓Dead letters1",
    "✓Scheduler's last tick2.1s",
    "✓Waiting for the relay<1s",
    "✓History lines dropped0",
    "✓Hosts cut off0",
  ]);
  expect(within(await strip()).getByText("3 things need a look")).toBeInTheDocument();
  await userEvent.click(links[0] as HTMLElement);
  await waitFor(() => expect(router.state.location.search).toBe("?state=queued&q=queue:sync"));
});

/** What a phone leaves out, by the style that only phones have. */
const leftOut = async () =>
  within(await strip())
    .getAllByRole("listitem")
    .filter((item) => item.className !== "").length;

test("a phone shows the worst three, says how many more are fine, and opens them", async () => {
  renderApp("/tasks");
  const more = await within(await strip()).findByRole("button", { name: "6 more are fine" });
  expect(more).toHaveAttribute("aria-expanded", "false");
  expect(await leftOut()).toBe(6);
  await userEvent.click(more);
  expect(await leftOut()).toBe(0);
  const fewer = within(await strip()).getByRole("button", { name: "Show the worst only" });
  expect(fewer).toHaveAttribute("aria-expanded", "true");
  await userEvent.click(fewer);
  expect(await leftOut()).toBe(6);
});

test("what needs a look is never left out", async () => {
  const items = health.items.map((item, index) => ({ ...item, severity: index === 0 ? "ok" : "warn" }));
  server.use(http.get("*/api/v1/health-strip", () => HttpResponse.json({ items })));
  renderApp("/tasks");
  expect(await within(await strip()).findByRole("button", { name: "1 more is fine" })).toBeInTheDocument();
  expect(await leftOut()).toBe(1);
});

test("calm when all is well", async () => {
  const items = health.items.map((item) => ({ ...item, severity: "ok" }));
  server.use(http.get("*/api/v1/health-strip", () => HttpResponse.json({ items })));
  renderApp("/tasks");
  expect(within(await strip()).getByText("All well")).toBeInTheDocument();
});

test("an error says what to quote, and recovers", async () => {
  let broken = true;
  server.use(http.get("*/api/v1/health-strip", () => (broken ? problem(503) : undefined)));
  renderApp("/tasks");
  expect(await screen.findByText("req_test_123")).toBeInTheDocument();
  broken = false;
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await strip()).toBeInTheDocument();
});

test("the shop's people have no strip", async () => {
  server.resetHandlers();
  const asked: string[] = [];
  server.use(
    http.get("*/api/v1/health-strip", ({ request }) => {
      asked.push(request.url);
      return problem(403);
    }),
  );
  renderApp("/tasks");
  await screen.findByRole("heading", { level: 1, name: "Tasks" });
  expect(screen.queryByRole("region", { name: "Health of the platform" })).toBeNull();
  expect(asked).toEqual([]);
});

/** A stream that stays open, what is to be sent over it, and who listens. */
function streaming() {
  const connections: Request[] = [];
  const controllers: ReadableStreamDefaultController<Uint8Array>[] = [];
  server.use(
    http.get("*/api/v1/jobs/stream", ({ request }) => {
      connections.push(request);
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => void controllers.push(controller),
      });
      return new HttpResponse(body, { headers: { "content-type": "text/event-stream" } });
    }),
  );
  const send = (data: object) => {
    const text = `event: snapshot\ndata: ${JSON.stringify(data)}\n\n`;
    for (const controller of controllers) controller.enqueue(new TextEncoder().encode(text));
  };
  return { connections, send };
}

test("the stream's news replace what was asked for, over one connection for all who read it", async () => {
  const { connections, send } = streaming();
  const snapshot = {
    revision: 1,
    at: new Date().toISOString(),
    summary: { ...jobsSummary, queues: queues.map((queue) => ({ ...queue, depth: 0, paused: false })) },
    health: health.items.map((item) => ({ ...item, severity: "ok" })),
    running: runs.slice(0, 1),
  };
  const { router } = renderApp("/tasks");
  await waitFor(() => expect(connections).toHaveLength(1));
  send(snapshot);
  expect(await screen.findByText("All well")).toBeInTheDocument();
  await router.navigate("/tasks/queues");
  expect(await screen.findByText("No worker")).toBeInTheDocument();
  send({ ...snapshot, revision: 2 });
  expect(await screen.findByRole("heading", { name: "Nothing waits in any queue" })).toBeInTheDocument();
  expect(connections).toHaveLength(1);
});

test("asks by other means while the stream cannot be had", async () => {
  server.use(http.get("*/api/v1/jobs/stream", () => problem(403)));
  server.use(
    http.get("*/api/v1/jobs/summary", () =>
      HttpResponse.json({ ...jobsSummary, queues: [{ ...queues[0], depth: 77 }] }),
    ),
  );
  renderApp("/tasks/queues");
  expect(await screen.findByText("77")).toBeInTheDocument();
});
