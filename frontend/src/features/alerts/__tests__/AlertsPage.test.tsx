import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test } from "vitest";
import { metrics, rules } from "@/testing/alertsData";
import { session } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { operator } from "@/testing/tasksData";
import { bodyOf, draftOf, unreadable } from "../draft";

describePage("Alerts", {
  path: "/workers/alerts",
  api: "/alerts/rules",
  session: operator,
  data: "1 alert is firing",
  empty: { body: [], text: "Nobody is told of anything yet" },
});

test("a rule goes through the form unchanged", () => {
  for (const rule of rules) {
    const { title, metric, scope, op, threshold, for_s, hold_off_s, channel_ids, enabled } = rule;
    expect(bodyOf(draftOf(rule, metrics), metrics)).toEqual({
      title,
      metric,
      scope,
      op,
      threshold,
      for_s,
      hold_off_s,
      channel_ids,
      enabled,
    });
  }
});

test("figures that cannot be read are told before anything is sent", () => {
  const draft = draftOf(null, metrics);
  expect(unreadable({ ...draft, threshold: "many", for_min: "" })).toEqual(["threshold", "for_s"]);
  expect(unreadable({ ...draft, threshold: "-1.5" })).toEqual([]);
});

const act = async (title: string, action: string) => {
  await userEvent.click(await screen.findByRole("button", { name: `Actions of ${title}` }));
  await userEvent.click(await screen.findByRole("menuitem", { name: action }));
};

describe("an operator", () => {
  beforeEach(() => server.use(http.get("*/api/v1/session", () => HttpResponse.json(operator))));

  test("sees what fires first, its value against its limit, and where it leads", async () => {
    renderApp("/workers/alerts");
    const table = within(await screen.findByRole("table", { name: "Alerts" }));
    const [, firing] = table.getAllByRole("row");
    expect(firing).toHaveTextContent(
      /^Sending stands stillOldest wait in a queue \(queue Sending\)CriticalFiring/,
    );
    expect(firing).toHaveTextContent(/4m 10sabove 4m for 5m/);
    expect(within(firing as HTMLElement).getByRole("link")).toHaveAttribute(
      "href",
      "/tasks?state=queued&q=queue:bulk",
    );
    const events = within(screen.getByRole("table", { name: "What happened" }));
    expect(events.getByText("Pager · failed · HTTP 500")).toBeInTheDocument();
    expect(events.getByText("nobody: muted")).toBeInTheDocument();
  });

  test("mutes for a while and unmutes", async () => {
    const sent: { until: string | null }[] = [];
    let muted_until: string | null = null;
    server.use(
      http.post("*/api/v1/alerts/rules/:id/mute", async ({ request }) => {
        const body = (await request.json()) as { until: string | null };
        sent.push(body);
        muted_until = body.until;
        return HttpResponse.json(rules[1]);
      }),
      http.get("*/api/v1/alerts/rules", () => HttpResponse.json([{ ...rules[1], muted_until }])),
    );
    renderApp("/workers/alerts");
    const before = Date.now();
    await act("Sending stands still", "Mute for 8 hours");
    expect(await screen.findByText(/^Muted, ends in 8 hours/)).toBeInTheDocument();
    const until = Date.parse(sent[0]?.until ?? "") - 8 * 3_600_000;
    expect(until).toBeGreaterThanOrEqual(before);
    expect(until).toBeLessThanOrEqual(Date.now());
    await act("Sending stands still", "Unmute");
    await waitFor(() => expect(sent[1]).toEqual({ until: null }));
  });

  test("makes a rule; a refused field keeps what was typed", async () => {
    const sent: unknown[] = [];
    server.use(
      http.post("*/api/v1/alerts/rules", async ({ request }) => {
        sent.push(await request.json());
        const errors = [{ pointer: "/scope/queue", message: "There is no such queue.", code: "unknown" }];
        return sent.length === 1 ? problem(422, { errors }) : HttpResponse.json(rules[0], { status: 201 });
      }),
    );
    renderApp("/workers/alerts");
    await screen.findByText("1 alert is firing");
    await waitFor(() => expect(screen.getByRole("button", { name: "New rule" })).toBeEnabled());
    await userEvent.click(screen.getByRole("button", { name: "New rule" }));
    const dialog = within(await screen.findByRole("dialog"));
    const options = within(dialog.getByLabelText("Figure")).getAllByRole("option");
    expect(options.map((option) => (option as HTMLOptionElement).value)).toEqual([
      "queue_oldest_wait_s",
      "failure_percent",
    ]);
    await userEvent.type(dialog.getByLabelText("Name"), "Slow");
    const save = () => userEvent.click(dialog.getByRole("button", { name: "Save" }));
    const limit = dialog.getByLabelText("Limit");
    expect(limit).toHaveValue("60");
    await userEvent.clear(limit);
    await save();
    expect(dialog.getByText("A number.")).toBeInTheDocument();
    expect(sent).toEqual([]);
    await userEvent.type(limit, "90");
    const queue = dialog.getByLabelText("Only queue (optional)");
    await userEvent.type(queue, "slow");
    await userEvent.click(dialog.getByLabelText("On call"));
    await save();
    expect(await dialog.findByText("There is no such queue.")).toBeInTheDocument();
    await userEvent.clear(queue);
    await save();
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const rule = {
      title: "Slow",
      metric: "queue_oldest_wait_s",
      op: "above",
      threshold: 90,
      for_s: 300,
      hold_off_s: 3_600,
      channel_ids: [1],
      enabled: true,
    };
    expect(sent).toEqual([
      { ...rule, scope: { queue: "slow" } },
      { ...rule, scope: {} },
    ]);
  });

  test("is shown a channel's secret once", async () => {
    renderApp("/workers/alerts");
    await userEvent.click(await screen.findByRole("button", { name: "Add a channel" }));
    const dialog = within(await screen.findByRole("dialog"));
    await userEvent.selectOptions(dialog.getByLabelText("Kind"), "webhook");
    await userEvent.type(dialog.getByLabelText("Name"), "Pager");
    await userEvent.type(dialog.getByLabelText("Address"), "https://pager.example/hook");
    await userEvent.click(dialog.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("whsec_only_once")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "I have copied it" }));
    await waitFor(() => expect(screen.queryByText("whsec_only_once")).toBeNull());
  });

  test("tests a channel and reads what came of it", async () => {
    server.use(
      http.post("*/api/v1/alerts/channels/:id/test", ({ params }) =>
        HttpResponse.json(params.id === "1" ? { ok: true, error: null } : { ok: false, error: "HTTP 500" }),
      ),
    );
    renderApp("/workers/alerts");
    await userEvent.click(await screen.findByRole("button", { name: "Send a test to On call" }));
    expect(await screen.findByText("On call took the test")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Send a test to Pager" }));
    expect(await screen.findByText("Pager did not take the test")).toBeInTheDocument();
    expect(screen.getByText("HTTP 500")).toBeInTheDocument();
  });

  test("deletes a rule only after a word; a refusal is told in the dialog", async () => {
    let deleted = 0;
    server.use(
      http.delete("*/api/v1/alerts/rules/:id", () => {
        deleted += 1;
        return problem(404, { detail: "It is gone already." });
      }),
    );
    renderApp("/workers/alerts");
    await act("Failures", "Delete");
    const dialog = within(await screen.findByRole("dialog"));
    expect(deleted).toBe(0);
    await userEvent.click(dialog.getByRole("button", { name: "Delete" }));
    expect(
      await dialog.findByText("It does not exist any more, or it belongs to another store."),
    ).toBeInTheDocument();
    expect(deleted).toBe(1);
  });
});

test("a shop's people are offered their shop's figures only", async () => {
  renderApp("/workers/alerts");
  await screen.findByText("1 alert is firing");
  await waitFor(() => expect(screen.getByRole("button", { name: "New rule" })).toBeEnabled());
  await userEvent.click(screen.getByRole("button", { name: "New rule" }));
  const dialog = within(await screen.findByRole("dialog"));
  const options = within(dialog.getByLabelText("Figure")).getAllByRole("option");
  expect(options.map((option) => (option as HTMLOptionElement).value)).toEqual([
    "failure_percent",
    "campaign_bounce_percent",
  ]);
});

test("a reader looks on", async () => {
  server.use(
    http.get("*/api/v1/session", () =>
      HttpResponse.json({ ...session, user: { ...session.user, role: "viewer" }, permissions: ["read"] }),
    ),
  );
  renderApp("/workers/alerts");
  await screen.findByText("1 alert is firing");
  expect(screen.queryByRole("button", { name: /New rule|Actions of|Add a channel|Send a test/ })).toBeNull();
});
