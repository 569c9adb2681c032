import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { session } from "@/testing/data";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { jobDetail } from "@/testing/tasksData";

const plain = {
  ...jobDetail,
  attempts: jobDetail.attempts.slice(0, 1).map((attempt) => ({ ...attempt, traceback: null })),
};

describePage("Task", {
  path: "/tasks/0193-c",
  api: "/jobs/0193-c",
  data: /Tries \(3 of 3\)/,
  empty: {
    body: { ...plain, state: "queued", attempt: 0, attempts: [], error: null, error_key: null },
    text: "It has not started yet.",
  },
});

test("a failed task can be tried again, and its new run is shown", async () => {
  const { router } = renderApp("/tasks/0193-c");
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/tasks/0193-z"));
});

test("a waiting task can be cancelled by someone who may operate", async () => {
  let cancelled = 0;
  server.use(
    http.get("*/api/v1/jobs/0193-c", () => HttpResponse.json({ ...plain, state: "queued" })),
    http.post("*/api/v1/jobs/0193-c/cancel", () => {
      cancelled += 1;
      return HttpResponse.json(plain);
    }),
  );
  renderApp("/tasks/0193-c");
  await userEvent.click(await screen.findByRole("button", { name: "Cancel task" }));
  await waitFor(() => expect(cancelled).toBe(1));
});

test.each(["dead", "queued"])("someone who may not operate sees no button: %s", async (state) => {
  server.use(
    http.get("*/api/v1/jobs/0193-c", () => HttpResponse.json({ ...plain, state })),
    http.get("*/api/v1/session", () =>
      HttpResponse.json({ ...session, user: { ...session.user, role: "viewer" }, permissions: ["read"] }),
    ),
  );
  renderApp("/tasks/0193-c");
  await screen.findByText("The store could not be reached");
  expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Cancel task" })).toBeNull();
});

test("what went wrong is said in plain words, and never in the program's", async () => {
  server.use(
    http.get("*/api/v1/jobs/0193-c", () =>
      HttpResponse.json({ ...jobDetail, error_key: "access_lost", error: "AccessDenied: 403" }),
    ),
  );
  const { container } = renderApp("/tasks/0193-c");
  expect(await screen.findByText("What went wrong")).toBeInTheDocument();
  expect(screen.getByText(/Storecast has lost its permission to read this store/)).toBeInTheDocument();
  const outcomes = screen.getAllByRole("row").map((row) => row.lastElementChild?.textContent);
  expect(outcomes).toEqual([
    "Outcome",
    "It did not work",
    "It did not work",
    "The store could not be reached",
  ]);
  expect(container).not.toHaveTextContent(/AccessDenied|12,401,220|404/);
});

test("what was tried again needs no advice any more", async () => {
  server.use(
    http.get("*/api/v1/jobs/0193-c", () => HttpResponse.json({ ...jobDetail, retried_as: "0193-z" })),
  );
  renderApp("/tasks/0193-c");
  expect(await screen.findByRole("link", { name: "Open the new run" })).toBeInTheDocument();
  expect(screen.queryByText("What went wrong")).toBeNull();
});
