import { fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { workflow } from "@/testing/planData";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

describePage("New workflow", { path: "/tasks/workflows/new", api: "/workflows/parts", data: "segments.all" });

const type = async (text: string) => {
  fireEvent.change(await screen.findByLabelText("Definition"), { target: { value: text } });
};
const start = () => screen.getByRole("button", { name: "Start workflow" });

test("the example is valid and drawn", async () => {
  renderApp("/tasks/workflows/new");
  expect(await screen.findByText("Valid: 2 steps")).toBeInTheDocument();
  expect(screen.getByRole("link", { name: /^segments/ })).toBeInTheDocument();
});

test("what is no JSON is told at its place and cannot be started", async () => {
  renderApp("/tasks/workflows/new");
  await type('{\n  "name": oops\n}');
  expect(await screen.findByRole("button", { name: /^Line 2, column/ })).toBeInTheDocument();
  expect(start()).toHaveAttribute("aria-disabled", "true");
});

test("each problem stands at the line that its pointer names", async () => {
  const errors = [
    { pointer: "/nodes/0/needs/0", message: "There is no node zzz.", code: "unknown_node" },
    { pointer: "/nodes/0/job", message: "There is no job x.", code: "unknown_job" },
  ];
  server.use(http.post("*/api/v1/workflows/validate", () => HttpResponse.json({ ok: false, errors })));
  renderApp("/tasks/workflows/new");
  await type(
    '{\n  "name": "x",\n  "nodes": [\n    { "key": "a",\n      "job": "x",\n      "needs": ["zzz"] }\n  ]\n}',
  );
  expect(await screen.findByText(/There is no node zzz\./)).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Line 6, column 17" })).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Line 5, column 14" })).toBeInTheDocument();
});

test("starts and opens the workflow; what was refused stays on the page", async () => {
  const sent: unknown[] = [];
  server.use(
    http.post("*/api/v1/workflows", async ({ request }) => {
      sent.push(await request.json());
      return sent.length === 1
        ? problem(409, { detail: "The same one is running." })
        : HttpResponse.json({ ...workflow, id: "0193-wf-new" }, { status: 201 });
    }),
  );
  const { router } = renderApp("/tasks/workflows/new");
  await type('{"name": "One", "nodes": [{"key": "a", "job": "sync.start"}]}');
  expect(await screen.findByText("Valid: 1 step")).toBeInTheDocument();
  await userEvent.click(start());
  expect(await screen.findByText("The same one is running.")).toBeInTheDocument();
  await userEvent.click(start());
  await waitFor(() => expect(router.state.location.pathname).toBe("/tasks/workflows/0193-wf-new"));
  const definition = { name: "One", nodes: [{ key: "a", job: "sync.start" }] };
  expect(sent).toEqual([definition, definition]);
});
