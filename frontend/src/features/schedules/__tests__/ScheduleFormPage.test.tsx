import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { openJobs, schedulePreview, schedules } from "@/testing/planData";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { bodyOf, draftOf, intervalOf } from "../draft";

describePage("New schedule", {
  path: "/tasks/schedules/new",
  api: "/schedules/jobs",
  data: "Cron expression",
});

test("an interval is shown in its largest whole unit and sent in seconds", () => {
  const draft = draftOf({ ...schedules[1], interval_s: 7_200 } as never, openJobs, "UTC");
  expect([draft.every, draft.unit]).toEqual(["2", "hours"]);
  expect(intervalOf({ ...draft, every: "1.5" })).toBe(5_400);
  expect([intervalOf({ ...draft, every: "soon" }), intervalOf({ ...draft, every: "-1" })]).toEqual([0, 0]);
  expect(bodyOf(draft)).toMatchObject({ cron: null, interval_s: 7_200 });
});

const saveButton = () => screen.findByRole("button", { name: "Save" });

test("shows the next runs while the time is typed, and what is wrong at its field", async () => {
  const asked: unknown[] = [];
  server.use(
    http.post("*/api/v1/schedules/preview", async ({ request }) => {
      const when = (await request.json()) as { cron: string };
      asked.push(when);
      const errors = [{ pointer: "/cron", message: "Minute goes from 0 to 59.", code: "cron_invalid" }];
      return when.cron.startsWith("99") ? problem(422, { errors }) : HttpResponse.json(schedulePreview);
    }),
  );
  renderApp("/tasks/schedules/new");
  expect(await screen.findByText("At 09:00 every day")).toBeInTheDocument();
  expect(within(screen.getByRole("list", { name: "Next runs" })).getAllByRole("listitem")).toHaveLength(5);
  const cron = screen.getByLabelText("Cron expression");
  await userEvent.clear(cron);
  await userEvent.type(cron, "99 * * * *");
  expect(await screen.findByText("Minute goes from 0 to 59.")).toBeInTheDocument();
  expect(cron).toBeInvalid();
  await userEvent.click(screen.getByRole("button", { name: "Every 15 minutes" }));
  await waitFor(() => expect(cron).toBeValid());
  expect(asked.at(-1)).toEqual({ cron: "*/15 * * * *", interval_s: null, timezone: "America/New_York" });
});

test("is saved with the job's input, and a refused field keeps what was typed", async () => {
  const sent: unknown[] = [];
  server.use(
    http.post("*/api/v1/schedules", async ({ request }) => {
      sent.push(await request.json());
      const errors = [{ pointer: "/args/since_days", message: "At most 90.", code: "too_large" }];
      return sent.length === 1 ? problem(422, { errors }) : HttpResponse.json(schedules[2], { status: 201 });
    }),
  );
  const { router } = renderApp("/tasks/schedules/new");
  await userEvent.type(await screen.findByLabelText("Name"), "Orders at nine");
  await userEvent.selectOptions(screen.getByLabelText("What"), "orders");
  const days = screen.getByLabelText("Days back (optional)");
  await userEvent.type(days, "91");
  await userEvent.click(screen.getByLabelText("Let it wait behind"));
  await userEvent.click(await saveButton());
  expect(await screen.findByText("At most 90.")).toBeInTheDocument();
  expect(days).toHaveValue("91");
  await userEvent.clear(days);
  await userEvent.click(await saveButton());
  await waitFor(() => expect(router.state.location.pathname).toBe("/tasks/schedules"));
  const rest = {
    title: "Orders at nine",
    job_name: "sync.start",
    cron: "0 9 * * *",
    interval_s: null,
    timezone: "America/New_York",
    overlap: "queue",
    catch_up: "last",
  };
  expect(sent).toEqual([
    { ...rest, args: { resource: "orders", since_days: 91 } },
    { ...rest, args: { resource: "orders" } },
  ]);
});

test("an edit sends no other job", async () => {
  const sent: unknown[] = [];
  server.use(
    http.patch("*/api/v1/schedules/:id", async ({ request, params }) => {
      sent.push([params.id, Object.keys((await request.json()) as object).sort()]);
      return HttpResponse.json(schedules[2]);
    }),
  );
  renderApp("/tasks/schedules/3");
  const name = await screen.findByLabelText("Name");
  expect(name).toHaveValue("Full import on Sunday nights");
  expect(screen.getByLabelText("Task")).toBeDisabled();
  await userEvent.type(name, "!");
  await userEvent.click(await saveButton());
  await waitFor(() =>
    expect(sent).toEqual([["3", ["args", "catch_up", "cron", "interval_s", "overlap", "timezone", "title"]]]),
  );
});

test("a schedule that is gone is said to be gone", async () => {
  renderApp("/tasks/schedules/404");
  expect(
    await screen.findByText("It does not exist any more, or it belongs to another store."),
  ).toBeInTheDocument();
});
