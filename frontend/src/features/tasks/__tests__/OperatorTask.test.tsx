import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import type { JobDetail } from "@/lib/api/jobTypes";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { jobDetail } from "@/testing/tasksData";
import { signInAsOperator } from "./operator";

beforeEach(() => signInAsOperator());

describePage("Operators' task", {
  path: "/tasks/0193-c",
  api: "/jobs/0193-c",
  data: "The export's file is no longer there (404)",
  empty: {
    body: { ...jobDetail, state: "queued", attempt: 0, attempts: [], error: null, fingerprint: null },
    text: "It has not started yet.",
  },
});

function answerWith(fields: Partial<JobDetail>) {
  server.use(http.get("*/api/v1/jobs/0193-c", () => HttpResponse.json({ ...jobDetail, ...fields })));
}

test("the time of each try stands on one axis and in a table", async () => {
  renderApp("/tasks/0193-c");
  const table = await screen.findByRole("table", { name: "Tries and where their time went" });
  const rows = within(table).getAllByRole("row").slice(1);
  expect(
    rows.map((row) =>
      within(row)
        .getAllByRole("cell")
        .map((cell) => cell.textContent),
    ),
  ).toEqual([
    ["2s", "8s", "28s", "Failed"],
    ["42s", "6s", "32s", "Failed"],
    ["56s", "4s", "32s", "Failed"],
  ]);
});

test("errors are compared with those of the try before", async () => {
  renderApp("/tasks/0193-c");
  expect(await screen.findByRole("heading", { name: "Error of try 3" })).toBeInTheDocument();
  expect(screen.getByText("The same error as in try 2.")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Try before" }));
  expect(await screen.findByText("Not the same error as in try 1.")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Compare" }));
  const diff = screen.getByRole("region", { name: "What changed from try 1 to try 2" });
  expect(diff).toHaveTextContent("−The connection was closed after 12,401,220 bytes");
  expect(diff).toHaveTextContent("+The export's file is no longer there (404)");
});

test("a dead run is retried, and its new run is shown", async () => {
  const { router } = renderApp("/tasks/0193-c");
  await userEvent.click(await screen.findByRole("button", { name: "Retry" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/tasks/0193-z"));
});

test("a refused retry says why", async () => {
  server.use(
    http.post("*/api/v1/jobs/0193-c/retry", () => problem(409, { detail: "It was tried again already." })),
  );
  const { router } = renderApp("/tasks/0193-c");
  await userEvent.click(await screen.findByRole("button", { name: "Retry" }));
  expect(await screen.findByText("It was tried again already.")).toBeInTheDocument();
  expect(router.state.location.pathname).toBe("/tasks/0193-c");
});

test("edited arguments are checked while they are typed, and the API's refusal stands at its place", async () => {
  const sent: unknown[] = [];
  server.use(
    http.post("*/api/v1/jobs/0193-c/retry", async ({ request }) => {
      sent.push(await request.json());
      return problem(422, {
        errors: [{ pointer: "/args/sync_run_id", message: "There is no such sync", code: "unknown" }],
      });
    }),
  );
  renderApp("/tasks/0193-c");
  await userEvent.click(await screen.findByRole("button", { name: "Edit and retry" }));
  const editor = await screen.findByRole("textbox", { name: "Arguments" });
  const write = async (text: string) => {
    await userEvent.clear(editor);
    await userEvent.click(editor);
    await userEvent.paste(text);
  };
  await write('{\n  "sync_run_id": "71",\n  "resource": "carts"\n}');
  expect(await screen.findByText(/Expected integer, found string/)).toBeInTheDocument();
  expect(screen.getByText(/Must be one of: customers, products, orders/)).toBeInTheDocument();
  expect(screen.getByText(/“url” is missing/)).toBeInTheDocument();
  await write('{ "sync_run_id": 1,, }');
  expect(await screen.findByText(/This is not JSON from here on/)).toBeInTheDocument();
  await write('{\n  "sync_run_id": 99,\n  "resource": "orders",\n  "url": "•••"\n}');
  await userEvent.type(screen.getByRole("textbox", { name: /Reason/ }), "wrong run");
  await userEvent.click(screen.getByRole("button", { name: "Retry with these" }));
  expect(await screen.findByRole("button", { name: "Line 2, column 18" })).toBeInTheDocument();
  expect(screen.getByText(/There is no such sync/)).toBeInTheDocument();
  expect(sent).toEqual([{ args: { sync_run_id: 99, resource: "orders", url: "•••" }, reason: "wrong run" }]);
});

test("a running task shows that its cancelling was asked for, and then that it noticed", async () => {
  answerWith({ state: "running", finished_at: null, cancel_requested_at: null });
  const { client } = renderApp("/tasks/0193-c");
  const asked = "2026-11-20T10:00:00Z";
  const cancel = await screen.findByRole("button", { name: "Cancel task" });
  answerWith({ state: "running", finished_at: null, cancel_requested_at: asked });
  await userEvent.click(cancel);
  expect(await screen.findByText("Cancel was asked for; the task has not noticed yet")).toBeInTheDocument();
  expect(screen.getByText("Cancelling")).toBeInTheDocument();
  answerWith({ state: "cancelled", finished_at: "2026-11-20T10:00:04Z", cancel_requested_at: asked });
  await client.invalidateQueries({ queryKey: ["jobs", "one"] });
  expect(await screen.findByText("The task noticed and stopped")).toBeInTheDocument();
  expect(screen.getByText(/acknowledged after 4s/)).toBeInTheDocument();
});

test("a dead letter is discarded only with a reason", async () => {
  const reasons: unknown[] = [];
  server.use(
    http.post("*/api/v1/jobs/0193-c/discard", async ({ request }) => {
      reasons.push(await request.json());
      return HttpResponse.json(jobDetail);
    }),
  );
  renderApp("/tasks/0193-c");
  await userEvent.click(await screen.findByRole("button", { name: "Discard" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.click(within(dialog).getByRole("button", { name: "Discard" }));
  expect(reasons).toEqual([]);
  await userEvent.type(within(dialog).getByRole("textbox"), "shop has left");
  await userEvent.click(within(dialog).getByRole("button", { name: "Discard" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(reasons).toEqual([{ reason: "shop has left" }]);
});

test("why it waits is told in words, with the time at which that may change", async () => {
  answerWith({
    state: "staged",
    attempts: [],
    finished_at: null,
    waits_because: { code: "queue_paused", until: null, facts: {} },
  });
  renderApp("/tasks/0193-c");
  expect(await screen.findByText("Its queue is paused.")).toBeInTheDocument();
});

test("the family is drawn as links; many of one kind are one until they are unfolded", async () => {
  renderApp("/tasks/0193-c");
  const drawing = await screen.findByRole("group", { name: "Family" });
  const current = within(drawing).getByRole("link", { name: "Importing the store's data Dead" });
  expect(current).toHaveAttribute("aria-current", "page");
  const crowd = within(drawing).getByRole("link", { name: "8 × Counting segments again Succeeded" });
  await userEvent.click(crowd);
  expect(within(drawing).getAllByRole("link", { name: "Counting segments again Succeeded" })).toHaveLength(8);
});

test("notes and the log are there", async () => {
  const bodies: unknown[] = [];
  server.use(
    http.post("*/api/v1/dead-letters/:fingerprint/notes", async ({ request }) => {
      bodies.push(await request.json());
      return HttpResponse.json({}, { status: 201 });
    }),
  );
  renderApp("/tasks/0193-c");
  expect(await screen.findByText("Exports are kept for 7 days only.")).toBeInTheDocument();
  expect(await screen.findByText("result gone")).toBeInTheDocument();
  await userEvent.type(screen.getByRole("textbox", { name: "New note" }), "asked Shopify");
  await userEvent.click(screen.getByRole("button", { name: "Add note" }));
  await waitFor(() => expect(bodies).toEqual([{ body: "asked Shopify", job_id: "0193-c" }]));
});

test("someone who may only look finds nothing to act with", async () => {
  signInAsOperator(["read"]);
  renderApp("/tasks/0193-c");
  await screen.findByRole("heading", { name: "Error of try 3" });
  for (const name of ["Retry", "Edit and retry", "Discard", "Add note"])
    expect(screen.queryByRole("button", { name })).toBeNull();
});
