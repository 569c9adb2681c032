import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { FINGERPRINT } from "@/testing/tasksData";
import { signInAsOperator } from "./operator";

beforeEach(() => signInAsOperator());

const GROUP = `/tasks/dead-letters/${FINGERPRINT}`;

describePage("Dead letters", {
  path: "/tasks/dead-letters",
  api: "/dead-letters",
  data: "mail.example did not answer within 30 s",
  empty: { body: { items: [], next_cursor: null }, text: "No dead letters" },
});

describePage("Group of dead letters", {
  path: GROUP,
  api: `/dead-letters/${FINGERPRINT}`,
  data: "Exports are kept for 7 days only.",
});

test("the search goes to the address and to the API", async () => {
  const asked: (string | null)[] = [];
  server.use(
    http.get("*/api/v1/dead-letters", ({ request }) => {
      asked.push(new URL(request.url).searchParams.get("q"));
      return HttpResponse.json({ items: [], next_cursor: null });
    }),
  );
  const { router } = renderApp("/tasks/dead-letters");
  await userEvent.type(await screen.findByRole("searchbox", { name: "Search dead letters" }), "class:Gone");
  await waitFor(() => expect(router.state.location.search).toBe("?q=class%3AGone"));
  expect(await screen.findByText("No group matches")).toBeInTheDocument();
  expect(asked.at(-1)).toBe("class:Gone");
});

test("a group leads to its page, and that to its runs", async () => {
  const { router } = renderApp("/tasks/dead-letters");
  await userEvent.click(await screen.findByRole("link", { name: /ResultGone/ }));
  await waitFor(() => expect(router.state.location.pathname).toBe(GROUP));
  expect(await screen.findByRole("link", { name: "Show the tasks" })).toHaveAttribute(
    "href",
    `/tasks?state=dead&q=fingerprint%3A${FINGERPRINT}`,
  );
});

test("a replay is counted first, then started with its cap, pace and reason", async () => {
  const asked: Record<string, unknown>[] = [];
  server.use(
    http.post(`*/api/v1/dead-letters/${FINGERPRINT}/replay`, async ({ request }) => {
      const body = (await request.json()) as { cap: number; dry_run: boolean };
      asked.push(body);
      return HttpResponse.json({
        matched: 3_214,
        capped: false,
        acting: Math.min(body.cap, 3_214),
        job_id: body.dry_run ? null : "0193-bulk",
      });
    }),
  );
  renderApp(GROUP);
  await userEvent.click(await screen.findByRole("button", { name: "Replay…" }));
  await userEvent.type(await screen.findByRole("textbox", { name: /Reason/ }), "fixed");
  await userEvent.type(screen.getByRole("textbox", { name: "At most per minute" }), "100");
  await userEvent.click(await screen.findByRole("button", { name: "Retry 1,000 tasks" }));
  expect(await screen.findByText("1,000 tasks are retried")).toBeInTheDocument();
  expect(asked.filter((one) => one.dry_run === false)).toEqual([
    { cap: 1_000, rate_per_min: 100, reason: "fixed", dry_run: false },
  ]);
});

test("a refused discard says why, and the group stays", async () => {
  server.use(
    http.post(`*/api/v1/dead-letters/${FINGERPRINT}/discard`, async ({ request }) => {
      const { dry_run } = (await request.json()) as { dry_run: boolean };
      return dry_run
        ? HttpResponse.json({ matched: 2, capped: false, acting: 2, job_id: null })
        : problem(403);
    }),
  );
  renderApp(GROUP);
  await userEvent.click(await screen.findByRole("button", { name: "Discard…" }));
  expect(screen.queryByRole("textbox", { name: "At most per minute" })).toBeNull();
  await userEvent.type(await screen.findByRole("textbox", { name: /Reason/ }), "noise");
  await userEvent.click(await screen.findByRole("button", { name: "Discard 2 tasks" }));
  expect(await screen.findByText(/Your role does not allow this/)).toBeInTheDocument();
});
