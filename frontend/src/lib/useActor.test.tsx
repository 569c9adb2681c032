import { screen, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import { de } from "@/i18n/de";
import { createTranslate } from "@/i18n/translate";
import { problem } from "@/testing/handlers";
import { queues } from "@/testing/queuesData";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { operator } from "@/testing/tasksData";

const paused = (name: string, by: string) => ({
  ...queues[0],
  name,
  paused: true,
  paused_by: by,
});

beforeEach(() =>
  server.use(
    http.get("*/api/v1/session", () => HttpResponse.json(operator)),
    http.get("*/api/v1/queues", () =>
      HttpResponse.json([
        paused("bulk", "user:21"),
        paused("sync", "user:1"),
        paused("default", "user:99"),
        paused("ai", "cli:root"),
      ]),
    ),
  ),
);

async function whoPaused() {
  const table = await screen.findByRole("table", { name: /queues/i });
  await within(table).findByText("by you");
  return within(table)
    .getAllByText(/^by /)
    .map((cell) => cell.textContent)
    .sort();
}

test("people are told by name, oneself as you, who is not known by number, and the program's as they are", async () => {
  renderApp("/tasks/queues");
  expect((await screen.findAllByText("by Ada Byron")).length).toBeGreaterThan(0);
  expect(await whoPaused()).toEqual(["by Ada Byron", "by Person 99", "by cli:root", "by you"]);
});

test("a list of names that cannot be had costs only the names", async () => {
  server.use(http.get("*/api/v1/people", () => problem(503)));
  renderApp("/tasks/queues");
  expect((await screen.findAllByText("by Person 21")).length).toBeGreaterThan(0);
  expect(await whoPaused()).toEqual(["by Person 21", "by Person 99", "by cli:root", "by you"]);
});

test("German says you by its case", () => {
  const t = createTranslate(de, "de");
  expect(t("actor.you")).toBe("Sie");
  expect(t("actor.by", { who: t("actor.by_you") })).toBe("von Ihnen");
});
