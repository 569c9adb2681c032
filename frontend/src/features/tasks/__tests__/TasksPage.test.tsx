import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { tasks } from "@/testing/consoleData";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

const NOTHING = { running: [], needs_you: [], recent: [], last_success: [] };

describePage("Tasks", {
  path: "/tasks",
  api: "/tasks",
  data: "Preparing a campaign's audience",
  empty: { body: NOTHING, text: "Nothing was done yet" },
});

test("the answer comes first, in a sentence and in the title of the document", async () => {
  renderApp("/tasks");
  const heading = await screen.findByRole("heading", { name: "2 imports running, 1 waiting, 1 needs you" });
  expect(heading.closest("[aria-live]")).toHaveAttribute("aria-live", "polite");
  await waitFor(() => expect(document.title).toBe("1 needs you · Tasks · Storecast"));
});

test("quiet when all is done", async () => {
  server.use(http.get("*/api/v1/tasks", () => HttpResponse.json({ ...NOTHING, recent: tasks.recent })));
  renderApp("/tasks");
  expect(await screen.findByRole("heading", { name: "All is done, nothing waits" })).toBeInTheDocument();
});

test("progress has a share, a count, a pace and the time left; what waits says why", async () => {
  renderApp("/tasks");
  expect(
    await screen.findByText("41% · 28,310 of 69,659 · 17,700 a minute · 2m 20s left"),
  ).toBeInTheDocument();
  expect(screen.getByText(/Shopify allows only so much at a time\. At the earliest:/)).toBeInTheDocument();
});

test("one button tries again; a refusal stands where it was pressed", async () => {
  const asked: unknown[] = [];
  server.use(
    http.post("*/api/v1/jobs/:id/retry", ({ params }) => {
      asked.push(params.id);
      return problem(409, { detail: "It is already under way again." });
    }),
  );
  renderApp("/tasks");
  await userEvent.click(
    await screen.findByRole("button", { name: "Try again: Preparing a campaign's audience" }),
  );
  expect(await screen.findByText("It is already under way again.")).toBeInTheDocument();
  expect(asked).toEqual(["0193-c"]);
});

test("no word of queues, workers or tracebacks, and no page that is the platform's", async () => {
  const { container } = renderApp("/tasks");
  await screen.findByText("Needs you");
  const text = within(container).getByText("Needs you").closest("#main")?.textContent ?? "";
  expect(text).not.toMatch(/queue|worker|traceback/i);
  const nav = screen.getByRole("navigation", { name: "Pages about tasks" });
  expect(
    within(nav)
      .getAllByRole("link")
      .map((link) => link.textContent),
  ).toEqual(["Tasks", "Schedules", "Workflows"]);
});
