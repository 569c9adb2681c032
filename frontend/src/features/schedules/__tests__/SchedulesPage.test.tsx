import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { session } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { schedules } from "@/testing/planData";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import type { ScheduleResult } from "../api";
import { outcomeOf, usualDriftMs } from "../outcome";

describePage("Schedules", {
  path: "/tasks/schedules",
  api: "/schedules",
  data: "Full import on Sunday nights",
  empty: { body: [], text: "Nothing starts by the clock yet" },
});

const result = (outcome: string, state: string | null = null, drift_ms = 0) =>
  ({ due_at: "2026-11-22T10:00:00Z", outcome, job_id: null, state, drift_ms }) as ScheduleResult;

test.each([
  [result("staged", "succeeded"), "succeeded"],
  [result("staged", "dead"), "dead"],
  [result("staged", "queued"), "running"],
  [result("waiting"), "running"],
  [result("staged"), "unknown"],
  [result("missed"), "missed"],
  [result("overlapped"), "overlapped"],
])("a dot stands for the run's end, or why there was none", (one, outcome) => {
  expect(outcomeOf(one)).toBe(outcome);
});

test("one bad day does not speak for the usual drift", () => {
  expect(
    usualDriftMs([result("staged", null, 90_000), result("staged", null, 2), result("staged", null, 3)]),
  ).toBe(3);
  expect(usualDriftMs([])).toBeNull();
});

const item = async (title: string) => {
  const heading = await screen.findByRole("heading", { name: title });
  return within(heading.closest("li") as HTMLElement);
};
const act = async (title: string, action: string) => {
  await userEvent.click(await screen.findByRole("button", { name: `Actions of ${title}` }));
  await userEvent.click(await screen.findByRole("menuitem", { name: action }));
};

test("what missed its time comes first, with words, cron, the next five runs and the last twenty results", async () => {
  renderApp("/tasks/schedules");
  expect(await screen.findByRole("heading", { name: "1 schedule missed its time" })).toBeInTheDocument();
  const names = screen.getAllByRole("heading", { level: 3 }).map((heading) => heading.textContent);
  expect(names[0]).toBe("Tidying up the ledger");
  const worst = await item("Tidying up the ledger");
  expect(worst.getByText("2 missed")).toBeInTheDocument();
  const dots = within(worst.getByRole("list", { name: "Last 20 results, oldest first" })).getAllByRole(
    "listitem",
  );
  expect(dots).toHaveLength(20);
  expect(within(dots[19] as HTMLElement).getByRole("link")).toHaveAccessibleName(/: under way · 420ms late$/);
  expect(within(dots[17] as HTMLElement).getByRole("img")).toHaveAccessibleName(/: missed$/);
  const hourly = await item("Starting the regular count of segments");
  expect(hourly.getByText("Every hour")).toBeInTheDocument();
  expect(hourly.getByText("0 * * * *")).toBeInTheDocument();
  const times = hourly.getAllByRole("list", { name: "Next runs", hidden: true });
  expect(times.flatMap((list) => within(list).getAllByRole("listitem", { hidden: true }))).toHaveLength(5);
});

test("runs now, skips, pauses and resumes, each by its own call", async () => {
  const sent: unknown[] = [];
  server.use(
    http.post("*/api/v1/schedules/:id/:action", ({ params }) => {
      sent.push([params.id, params.action]);
      return HttpResponse.json(schedules[0]);
    }),
  );
  renderApp("/tasks/schedules");
  await act("Starting the regular count of segments", "Run now");
  await act("Starting the regular count of segments", "Skip the next");
  await act("Starting the regular count of segments", "Pause");
  await act("Full import on Sunday nights", "Resume");
  await waitFor(() =>
    expect(sent).toEqual([
      ["1", "run"],
      ["1", "skip"],
      ["1", "pause"],
      ["3", "resume"],
    ]),
  );
});

test("a refused action is told where it stays", async () => {
  server.use(
    http.post("*/api/v1/schedules/:id/run", () => problem(409, { detail: "The last run is not over." })),
  );
  renderApp("/tasks/schedules");
  await act("Tidying up the ledger", "Run now");
  expect(await screen.findByText("The last run is not over.")).toBeInTheDocument();
});

test("only people's schedules are edited or deleted, and a deletion is confirmed", async () => {
  const deleted: unknown[] = [];
  server.use(
    http.delete("*/api/v1/schedules/:id", ({ params }) => {
      deleted.push(params.id);
      return new HttpResponse(null, { status: 204 });
    }),
  );
  renderApp("/tasks/schedules");
  await userEvent.click(await screen.findByRole("button", { name: "Actions of Tidying up the ledger" }));
  expect((await screen.findAllByRole("menuitem")).map((one) => one.textContent)).toEqual([
    "Run now",
    "Skip the next",
    "Pause",
  ]);
  await userEvent.keyboard("{Escape}");
  await act("Full import on Sunday nights", "Delete");
  const dialog = await screen.findByRole("dialog");
  expect(dialog).toHaveTextContent("Delete “Full import on Sunday nights”?");
  expect(deleted).toEqual([]);
  await userEvent.click(within(dialog).getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(deleted).toEqual(["3"]));
});

test("the filter lives in the address", async () => {
  const { router } = renderApp("/tasks/schedules?show=user");
  expect(await screen.findByRole("heading", { name: "Full import on Sunday nights" })).toBeInTheDocument();
  expect(screen.getAllByRole("heading", { level: 3 })).toHaveLength(1);
  await userEvent.click(screen.getByRole("button", { name: /^All/ }));
  expect(router.state.location.search).toBe("");
  expect(screen.getAllByRole("heading", { level: 3 })).toHaveLength(3);
});

test("a reader has nothing to act with", async () => {
  server.use(
    http.get("*/api/v1/session", () =>
      HttpResponse.json({ ...session, user: { ...session.user, role: "viewer" }, permissions: ["read"] }),
    ),
  );
  renderApp("/tasks/schedules");
  await screen.findByRole("heading", { name: "Full import on Sunday nights" });
  expect(screen.queryByRole("button", { name: /^Actions of/ })).toBeNull();
  expect(screen.queryByRole("link", { name: "New schedule" })).toBeNull();
});
