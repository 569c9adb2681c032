import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { jobDetail } from "@/testing/operationsData";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

describePage("Task", {
  path: "/tasks/0193-c",
  api: "/jobs/0193-c",
  data: "The export's file is no longer there (404)",
  empty: {
    body: { ...jobDetail, state: "queued", attempt: 0, attempts: [], error: null },
    text: "It has not started yet.",
  },
});

test("a failed task can be run again, and its new run is shown", async () => {
  let retried = 0;
  server.use(
    http.post("*/api/v1/jobs/0193-c/retry", () => {
      retried += 1;
      return HttpResponse.json({ ...jobDetail, id: "0193-z", state: "queued" });
    }),
  );
  const { router } = renderApp("/tasks/0193-c");
  await userEvent.click(await screen.findByRole("button", { name: "Run again" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/tasks/0193-z"));
  expect(retried).toBe(1);
});

test("a waiting task can be cancelled by someone who may operate", async () => {
  let cancelled = 0;
  server.use(
    http.get("*/api/v1/jobs/0193-c", () => HttpResponse.json({ ...jobDetail, state: "queued" })),
    http.post("*/api/v1/jobs/0193-c/cancel", () => {
      cancelled += 1;
      return HttpResponse.json(jobDetail);
    }),
  );
  renderApp("/tasks/0193-c");
  await userEvent.click(await screen.findByRole("button", { name: "Cancel task" }));
  await waitFor(() => expect(cancelled).toBe(1));
});

test.each(["dead", "queued"])("someone who may not operate sees no button: %s", async (state) => {
  server.use(
    http.get("*/api/v1/jobs/0193-c", () => HttpResponse.json({ ...jobDetail, state })),
    http.get("*/api/v1/session", () =>
      HttpResponse.json({
        shop: { domain: "d", name: "n", currency: "USD", timezone: "UTC" },
        user: { id: "1", name: "V", email: "v@example.com", role: "viewer" },
        door: "browser",
        permissions: ["read"],
      }),
    ),
  );
  renderApp("/tasks/0193-c");
  await screen.findByText("The export's file is no longer there (404)");
  expect(screen.queryByRole("button", { name: "Run again" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Cancel task" })).toBeNull();
});
