import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { run, runs } from "@/testing/tasksData";
import { signInAsOperator } from "./operator";

beforeEach(() => signInAsOperator());

describePage("Operators' tasks", {
  path: "/tasks",
  api: "/jobs",
  data: "ResultGone",
  empty: { body: { items: [], next_cursor: null }, text: "Nothing was done yet" },
});

const row = async (name: RegExp) =>
  (await screen.findByRole("rowheader", { name })).closest("tr") as HTMLElement;

test("a row tells shop, queue, attempt, run time beside the usual, worker and error class", async () => {
  renderApp("/tasks?state=dead");
  const dead = await row(/Importing the store's data/);
  for (const text of ["cdnow.myshopify.com", "sync · 5", "8/8", "default/4121", "ResultGone"])
    expect(within(dead).getByText(text)).toBeInTheDocument();
  expect(
    within(dead).getByRole("img", { name: "31.2s; 95 of 100 such tasks take at most 38s" }),
  ).toBeInTheDocument();
});

test("the rail counts each state, keeps the search and writes the address", async () => {
  const { router } = renderApp("/tasks?q=queue:sync");
  const rail = await screen.findByRole("navigation", { name: "Tasks by state" });
  const dead = await within(rail).findByRole("link", { name: /^Dead\s*1$/ });
  expect(within(rail).getByRole("link", { name: /^Succeeded/ })).toHaveTextContent("148.2K");
  await userEvent.click(dead);
  expect(router.state.location.search).toBe("?state=dead&q=queue%3Async");
  await waitFor(() => expect(document.title).toBe("1 dead · Tasks · Storecast"));
});

test("a hint is chosen by keyboard, and each filter can be taken away again", async () => {
  const { router } = renderApp("/tasks?state=dead");
  const field = await screen.findByRole("combobox", { name: "Search tasks" });
  await userEvent.keyboard("/");
  expect(field).toHaveFocus();
  await userEvent.type(field, "shop:");
  // Before the first letter counts there are hints of every kind.
  await waitFor(() => expect(screen.getAllByRole("option")).toHaveLength(2));
  await userEvent.keyboard("{ArrowDown}{ArrowDown}");
  expect(field).toHaveAttribute("aria-activedescendant");
  expect(screen.getAllByRole("option")[1]).toHaveAttribute("aria-selected", "true");
  await userEvent.keyboard("{Enter}");
  await waitFor(() =>
    expect(new URLSearchParams(router.state.location.search).get("q")).toBe("shop:cdnow.myshopify.com"),
  );
  await userEvent.type(field, 'error:"not found"{Enter}');
  expect(new URLSearchParams(router.state.location.search).get("q")).toBe(
    'shop:cdnow.myshopify.com error:"not found"',
  );
  await userEvent.click(screen.getByRole("button", { name: "Remove shop:cdnow.myshopify.com" }));
  expect(new URLSearchParams(router.state.location.search).get("q")).toBe('error:"not found"');
  expect(router.state.location.search).toContain("state=dead");
});

test("at most ten hints are shown", async () => {
  server.use(
    http.get("*/api/v1/jobs/suggest", () =>
      HttpResponse.json({
        items: Array.from({ length: 14 }, (_, index) => ({
          text: `tag:t${index}`,
          kind: "tag",
          hint: "tag",
        })),
      }),
    ),
  );
  renderApp("/tasks");
  await userEvent.type(await screen.findByRole("combobox", { name: "Search tasks" }), "t");
  expect(await screen.findAllByRole("option")).toHaveLength(10);
});

test("a search that cannot be read is told at the field", async () => {
  server.use(
    http.get("*/api/v1/jobs", () =>
      problem(422, { errors: [{ pointer: "/q", message: "Unknown qualifier: colour", code: "unknown" }] }),
    ),
  );
  renderApp("/tasks?q=colour:red");
  expect(await screen.findByText("Unknown qualifier: colour")).toBeInTheDocument();
  expect(screen.getByRole("combobox", { name: "Search tasks" })).toBeInvalid();
});

test("older and newer walk the pages by cursor", async () => {
  const asked: (string | null)[] = [];
  server.use(
    http.get("*/api/v1/jobs", ({ request }) => {
      const cursor = new URL(request.url).searchParams.get("cursor");
      asked.push(cursor);
      return HttpResponse.json(
        cursor === null
          ? { items: [run({ id: "0193-9", name: "sync.start", state: "succeeded" })], next_cursor: "c2" }
          : { items: [run({ id: "0193-1", name: "sync.finish", state: "succeeded" })], next_cursor: null },
      );
    }),
  );
  const { router } = renderApp("/tasks");
  await userEvent.click(await screen.findByRole("button", { name: "Older" }));
  await row(/Finishing the sync/);
  expect(router.state.location.search).toBe("?cursor=c2");
  expect(screen.getByRole("button", { name: "Older" })).toHaveAttribute("aria-disabled", "true");
  await userEvent.click(screen.getByRole("button", { name: "Newer" }));
  await row(/Asking the store for its data/);
  expect(router.state.location.search).toBe("");
  expect(asked.slice(0, 2)).toEqual([null, "c2"]);
});

test("what came since is announced, not pushed in; what left the state stays in its place", async () => {
  let items = runs.filter((one) => one.state === "running");
  server.use(http.get("*/api/v1/jobs", () => HttpResponse.json({ items, next_cursor: null })));
  const { client } = renderApp("/tasks?state=running");
  await row(/Sending a campaign's messages/);
  items = [run({ id: "0193-y", name: "sync.start", state: "running" }), ...items.slice(1)];
  await client.invalidateQueries({ queryKey: ["jobs", "list"] });
  const pill = await screen.findByRole("button", { name: "1 newer" });
  expect(within(await row(/Sending a campaign's messages/)).getByText("Left this list")).toBeInTheDocument();
  expect(screen.queryByText("Asking the store for its data")).toBeNull();
  await userEvent.click(pill);
  await row(/Asking the store for its data/);
  expect(screen.queryByText("Sending a campaign's messages")).toBeNull();
});

test("chosen runs are retried with a reason, and those that were refused are told", async () => {
  const asked: unknown[] = [];
  server.use(
    http.get("*/api/v1/jobs", () =>
      HttpResponse.json({
        items: ["0193-3", "0193-2"].map((id) => run({ id, name: "sync.import", state: "dead" })),
        next_cursor: null,
      }),
    ),
    http.post("*/api/v1/jobs/:id/retry", async ({ request, params }) => {
      asked.push([params.id, await request.json()]);
      return params.id === "0193-2"
        ? problem(409, { detail: "Somebody else has tried it again." })
        : HttpResponse.json({ id: "0193-z" });
    }),
  );
  renderApp("/tasks?state=dead");
  await userEvent.click(await screen.findByRole("checkbox", { name: "Choose all on this page" }));
  expect(screen.getByText("2 chosen")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Retry 2 tasks" }));
  const dialog = await screen.findByRole("dialog");
  const go = within(dialog).getByRole("button", { name: "Retry 2 tasks" });
  expect(go).toHaveAttribute("aria-disabled", "true");
  await userEvent.type(within(dialog).getByRole("textbox", { name: /Reason/ }), "the export is back");
  await userEvent.click(go);
  expect(await screen.findByText(/Somebody else has tried it again/)).toBeInTheDocument();
  expect(screen.getByText("1 was refused:")).toBeInTheDocument();
  expect(asked).toEqual([
    ["0193-3", { reason: "the export is back" }],
    ["0193-2", { reason: "the export is back" }],
  ]);
});

test("everything that matches: counted first, capped, paced and with a reason", async () => {
  const asked: Record<string, unknown>[] = [];
  server.use(
    http.post("*/api/v1/jobs/bulk", async ({ request }) => {
      const body = (await request.json()) as { cap: number; dry_run: boolean };
      asked.push(body);
      return HttpResponse.json({
        matched: 3_214,
        capped: false,
        acting: Math.min(3_214, body.cap),
        job_id: body.dry_run ? null : "0193-bulk",
      });
    }),
  );
  renderApp("/tasks?state=dead&q=queue:sync");
  await screen.findByText("All 3,214 that match");
  await userEvent.click(screen.getByRole("button", { name: "Retry…" }));
  expect(
    await screen.findByText(/3,214 tasks would be touched\. With this limit it is 1,000/),
  ).toBeInTheDocument();
  const cap = screen.getByRole("textbox", { name: /^At most$/ });
  await userEvent.clear(cap);
  await userEvent.type(cap, "100000");
  expect(await screen.findByText("Enter a whole number from 1 to 10,000.")).toBeInTheDocument();
  await userEvent.clear(cap);
  await userEvent.type(cap, "500");
  await userEvent.type(screen.getByRole("textbox", { name: "At most per minute" }), "60");
  await userEvent.type(screen.getByRole("textbox", { name: /Reason/ }), "export is back");
  await userEvent.click(await screen.findByRole("button", { name: "Retry 500 tasks" }));
  expect(await screen.findByText("500 tasks are retried")).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "Watch it" })).toHaveAttribute("href", "/tasks/0193-bulk");
  expect(asked.filter((one) => one.dry_run === false)).toEqual([
    {
      action: "retry",
      state: "dead",
      q: "queue:sync",
      cap: 500,
      rate_per_min: 60,
      reason: "export is back",
      dry_run: false,
    },
  ]);
});

test("a refused bulk action says why and changes nothing on the page", async () => {
  server.use(
    http.post("*/api/v1/jobs/bulk", async ({ request }) => {
      const { dry_run } = (await request.json()) as { dry_run: boolean };
      return dry_run
        ? HttpResponse.json({ matched: 3, capped: false, acting: 3, job_id: null })
        : problem(409, { detail: "Another bulk action is under way." });
    }),
  );
  renderApp("/tasks?state=dead");
  await screen.findByText("All 3,214 that match");
  await userEvent.click(screen.getByRole("button", { name: "Discard…" }));
  await userEvent.type(await screen.findByRole("textbox", { name: /Reason/ }), "noise");
  await userEvent.click(await screen.findByRole("button", { name: "Discard 3 tasks" }));
  expect(await screen.findByText("Another bulk action is under way.")).toBeInTheDocument();
  expect(screen.getByRole("dialog")).toBeInTheDocument();
});

test("someone who may only look finds nothing to act with", async () => {
  signInAsOperator(["read"]);
  renderApp("/tasks");
  await row(/Sending a campaign's messages/);
  expect(screen.queryByRole("checkbox")).toBeNull();
  expect(screen.queryByText(/that match/)).toBeNull();
});
