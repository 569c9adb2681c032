import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { session } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { workflow } from "@/testing/planData";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

describePage("Workflows", {
  path: "/tasks/workflows",
  api: "/workflows",
  data: "Refresh and count",
  empty: { body: { items: [], next_cursor: null }, text: "No workflow has run yet" },
});

describePage("Workflow", {
  path: "/tasks/workflows/0193-wf-1",
  api: "/workflows/:id",
  data: "It stopped at segments",
});

test("the list says how far each is, and its filter lives in the address", async () => {
  const { router } = renderApp("/tasks/workflows");
  expect(await screen.findByText("2 of 6 done")).toBeInTheDocument();
  expect(screen.getByText(/1 failed/)).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Running" }));
  expect(router.state.location.search).toBe("?state=running");
  await waitFor(() => expect(screen.queryByText("Spring clean")).toBeNull());
});

test("opens on the step that failed, and a click shows another", async () => {
  const { router } = renderApp("/tasks/workflows/0193-wf-1");
  expect(await screen.findByRole("heading", { name: "segments" })).toBeInTheDocument();
  expect(screen.getByText("2 of 12 tasks failed: statement timeout")).toBeInTheDocument();
  expect(screen.getByText("10 done, 2 failed, 0 cancelled of 12")).toBeInTheDocument();
  expect(screen.getByText("segments.all → segment_id")).toBeInTheDocument();
  expect(screen.getByRole("link", { name: /^Run 1/ })).toHaveAttribute("href", "/tasks/0193-node-run");
  await userEvent.click(screen.getByRole("link", { name: /^notify/ }));
  expect(router.state.location.search).toBe("?node=notify");
  expect(await screen.findByText("segments.succeeded > 0")).toBeInTheDocument();
});

test("every step is reached by keyboard, along its edges too", async () => {
  renderApp("/tasks/workflows/0193-wf-1");
  const graph = await screen.findByRole("list", { name: "Steps in their order" });
  const steps = within(graph).getAllByRole("link");
  expect(
    steps.map((step) => step.textContent?.split(/done|failed|waiting/)[0]?.replace(/^[✓✕…]/, "")),
  ).toEqual([
    "import",
    expect.stringMatching(/facts|products/),
    expect.stringMatching(/facts|products/),
    "segments",
    "notify",
    "tidy",
  ]);
  steps[0]?.focus();
  await userEvent.keyboard("{ArrowRight}");
  expect(["facts", "products"]).toContain((document.activeElement as HTMLElement).dataset.key);
  await userEvent.keyboard("{ArrowLeft}");
  expect(document.activeElement).toBe(steps[0]);
  await userEvent.keyboard("{ArrowUp}");
  expect(document.activeElement).toBe(steps[0]);
});

test("goes on from what failed; a refusal is told", async () => {
  const sent: unknown[] = [];
  server.use(
    http.post("*/api/v1/workflows/:id/:action", ({ params }) => {
      sent.push(params.action);
      return problem(409, { detail: "Somebody was faster." });
    }),
  );
  renderApp("/tasks/workflows/0193-wf-1");
  await userEvent.click(await screen.findByRole("button", { name: "Go on from what failed" }));
  expect(await screen.findByText("Somebody was faster.")).toBeInTheDocument();
  expect(sent).toEqual(["retry"]);
});

test("a running one is paused at once and cancelled only after a word", async () => {
  const sent: unknown[] = [];
  server.use(
    http.get("*/api/v1/workflows/:id", () => HttpResponse.json({ ...workflow, state: "running" })),
    http.post("*/api/v1/workflows/:id/:action", ({ params }) => {
      sent.push(params.action);
      return HttpResponse.json(workflow);
    }),
  );
  renderApp("/tasks/workflows/0193-wf-1");
  await userEvent.click(await screen.findByRole("button", { name: "Pause" }));
  await waitFor(() => expect(sent).toEqual(["pause"]));
  await userEvent.click(screen.getByRole("button", { name: "Cancel workflow" }));
  const dialog = await screen.findByRole("dialog");
  expect(sent).toEqual(["pause"]);
  await userEvent.click(within(dialog).getByRole("button", { name: "Cancel workflow" }));
  await waitFor(() => expect(sent).toEqual(["pause", "cancel"]));
});

test("a reader has no buttons", async () => {
  server.use(
    http.get("*/api/v1/session", () =>
      HttpResponse.json({ ...session, user: { ...session.user, role: "viewer" }, permissions: ["read"] }),
    ),
  );
  renderApp("/tasks/workflows/0193-wf-1");
  await screen.findByRole("heading", { name: "segments" });
  expect(screen.queryByRole("button", { name: "Go on from what failed" })).toBeNull();
});
