import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test } from "vitest";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { queues } from "@/testing/queuesData";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { operator } from "@/testing/tasksData";
import type { QueueRow } from "../api";
import { troubleOf, worstFirst } from "../state";

describePage("Queues", {
  path: "/tasks/queues",
  api: "/queues",
  session: operator,
  data: "No worker",
  empty: { body: [], text: "No queue has been used yet" },
});

const queue = (name: string) => queues.find((one) => one.name === name) as QueueRow;

test("a queue is in trouble when nobody reads it, it grows, it is slow or it is paused", () => {
  expect(["sync", "bulk", "ai", "default", "critical"].map((name) => troubleOf(queue(name)))).toEqual([
    "nobody",
    "growing",
    "paused",
    null,
    null,
  ]);
  expect(troubleOf({ ...queue("default"), drain_min: 11 })).toBe("slow");
  expect(worstFirst(queues).map((one) => one.name)).toEqual(["sync", "bulk", "ai", "critical", "default"]);
});

describe("an operator", () => {
  beforeEach(() => server.use(http.get("*/api/v1/session", () => HttpResponse.json(operator))));

  const menu = async (name: string) => {
    await userEvent.click(await screen.findByRole("button", { name: `Actions of ${name}` }));
  };
  const choose = async (name: string) => userEvent.click(await screen.findByRole("menuitem", { name }));

  test("reads first what is wrong, then what each queue does", async () => {
    renderApp("/tasks/queues");
    expect(
      await screen.findByRole("heading", { name: "4 tasks wait in Store data and no worker reads from it" }),
    ).toBeInTheDocument();
    const [, , sending] = screen.getAllByRole("row");
    const cells = within(sending as HTMLElement).getAllByRole("cell");
    expect(cells.slice(0, 5).map((cell) => cell.textContent)).toEqual([
      "1,204",
      "3m 1soldest 4m 10s",
      "64 in31.5 out",
      "not at this pace",
      "2 of 21 worker",
    ]);
    expect(screen.getByText("8 at once · 2 of a shop · 600 per 1m")).toBeInTheDocument();
    expect(screen.getByText("92%")).toBeInTheDocument();
  });

  test("pauses only with a reason, and is told when it is refused", async () => {
    const sent: unknown[] = [];
    server.use(
      http.post("*/api/v1/queues/:name/pause", async ({ request, params }) => {
        sent.push([params.name, await request.json()]);
        return sent.length === 1 ? problem(409, { detail: "It is paused already." }) : HttpResponse.json({});
      }),
    );
    renderApp("/tasks/queues");
    await menu("Sending");
    await choose("Pause");
    const dialog = await screen.findByRole("dialog");
    expect(dialog).toHaveTextContent("2 tasks that run now finish. 1,204 wait");
    await userEvent.click(within(dialog).getByRole("button", { name: "Pause" }));
    expect(within(dialog).getByText("Say why: others will read it.")).toBeInTheDocument();
    expect(sent).toEqual([]);
    await userEvent.type(within(dialog).getByLabelText("Reason"), "Provider asks us to wait");
    await userEvent.click(within(dialog).getByRole("button", { name: "Pause" }));
    expect(await within(dialog).findByText("It is paused already.")).toBeInTheDocument();
    expect(within(dialog).getByText("req_test_123")).toBeInTheDocument();
    await userEvent.click(within(dialog).getByRole("button", { name: "Pause" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(sent).toEqual([
      ["bulk", { reason: "Provider asks us to wait" }],
      ["bulk", { reason: "Provider asks us to wait" }],
    ]);
  });

  test("resumes without being asked twice", async () => {
    const resumed: unknown[] = [];
    server.use(
      http.post("*/api/v1/queues/:name/resume", ({ params }) => {
        resumed.push(params.name);
        return HttpResponse.json({});
      }),
    );
    renderApp("/tasks/queues");
    await menu("Suggestions");
    await choose("Resume");
    await waitFor(() => expect(resumed).toEqual(["ai"]));
  });

  test("edits limits; an empty field lifts one and a refusal stands at its field", async () => {
    const sent: unknown[] = [];
    server.use(
      http.put("*/api/v1/limits/:kind/:key", async ({ request, params }) => {
        sent.push([params.kind, params.key, await request.json()]);
        return sent.length === 1
          ? problem(422, { errors: [{ pointer: "/in_flight", message: "At least 1.", code: "too_small" }] })
          : HttpResponse.json({});
      }),
    );
    renderApp("/tasks/queues");
    await menu("Sending");
    await choose("Edit limits");
    const dialog = await screen.findByRole("dialog");
    const inFlight = within(dialog).getByLabelText("At once, in all");
    await userEvent.clear(inFlight);
    await userEvent.type(inFlight, "x");
    await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(within(dialog).getByText("A whole number, or nothing.")).toBeInTheDocument();
    expect(sent).toEqual([]);
    await userEvent.clear(inFlight);
    await userEvent.type(inFlight, "0");
    await userEvent.clear(within(dialog).getByLabelText("Released per period"));
    await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByText("At least 1.")).toBeInTheDocument();
    await userEvent.clear(inFlight);
    await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const rest = { shop_in_flight: 2, rate: null, rate_period_s: 60, weight: 1 };
    expect(sent).toEqual([
      ["queue", "bulk", { in_flight: 0, ...rest }],
      ["queue", "bulk", { in_flight: null, ...rest }],
    ]);
  });

  test("sees the limits of tasks and shops apart, and resumes a paused task", async () => {
    const resumed: unknown[] = [];
    server.use(
      http.post("*/api/v1/limits/job/:name/resume", ({ params }) => {
        resumed.push(params.name);
        return HttpResponse.json({});
      }),
    );
    renderApp("/tasks/queues");
    const table = await screen.findByRole("table", { name: "Limits of tasks and shops" });
    expect(within(table).getAllByRole("rowheader")).toHaveLength(1);
    await menu("Telling the store about an unsubscribe");
    await choose("Resume this task");
    await waitFor(() => expect(resumed).toEqual(["messaging.write_consent"]));
  });
});
