/** The states that every page owes: loading, error with request id and retry, empty with a next step, data, and WCAG. */
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { delay, HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test } from "vitest";
import type { Session } from "@/lib/api/types";
import { problem } from "./handlers";
import { renderApp } from "./render";
import { server } from "./server";

interface Spec {
  path: string;
  /** The call that the page stands or falls with. */
  api: string;
  method?: "get" | "post";
  /** Who looks, where the page differs by role; the shop's owner unless said. */
  session?: Session;
  /** A text that only the data state shows. */
  data: string | RegExp;
  /** The body that means "nothing yet", and the text that tells what to do then. Pages that are never empty have none. */
  empty?: { body: object; text: string | RegExp };
}

async function violations(container: Element) {
  const result = await axe.run(container, {
    // jsdom has no layout, so colours cannot be measured; the browser run does that.
    rules: { "color-contrast": { enabled: false }, "scrollable-region-focusable": { enabled: false } },
    resultTypes: ["violations"],
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    // A message's own HTML is its author's, and jsdom frames cannot be entered.
    iframes: false,
  });
  return result.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
}

export function describePage(name: string, { path, api, method = "get", session, data, empty }: Spec) {
  const url = `*/api/v1${api}`;
  const answer = http[method];

  describe(name, () => {
    beforeEach(() => {
      if (session) server.use(http.get("*/api/v1/session", () => HttpResponse.json(session)));
    });

    test("shows a skeleton while it loads", async () => {
      server.use(answer(url, () => delay("infinite")));
      renderApp(path);
      const waiting = await screen.findAllByRole("status", { busy: true });
      expect(waiting.length).toBeGreaterThan(0);
      await waitFor(() => expect(screen.queryByText(data)).toBeNull());
    });

    test("shows an error with the request id, and recovers on retry", async () => {
      let broken = true;
      server.use(answer(url, () => (broken ? problem(503) : undefined)));
      renderApp(path);
      expect(await screen.findByText("req_test_123")).toBeInTheDocument();
      broken = false;
      const [retry] = await screen.findAllByRole("button", { name: "Try again" });
      if (!retry) throw new Error("no retry button");
      await userEvent.click(retry);
      expect((await screen.findAllByText(data)).length).toBeGreaterThan(0);
      await waitFor(() => expect(screen.queryByText("req_test_123")).toBeNull());
    });

    if (empty) {
      test("teaches what to do when there is nothing yet", async () => {
        server.use(answer(url, () => HttpResponse.json(empty.body)));
        renderApp(path);
        expect(await screen.findByText(empty.text)).toBeInTheDocument();
      });
    }

    test("shows its data without serious accessibility problems", async () => {
      const { container } = renderApp(path);
      expect((await screen.findAllByText(data)).length).toBeGreaterThan(0);
      await waitFor(() => expect(document.title).toMatch(/ · Storecast$/));
      expect(await violations(container)).toEqual([]);
    });
  });
}
