import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import { series } from "@/testing/consoleData";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { signInAsOperator } from "./operator";

beforeEach(() => signInAsOperator());

describePage("Figures of jobs", {
  path: "/tasks/figures",
  api: "/jobs/figures",
  data: "Crediting an order to a campaign",
  empty: { body: { window: "24h", jobs: [] }, text: "No job ended in this period" },
});

test("each kind of job has its percentiles, and the order can be changed", async () => {
  const { router } = renderApp("/tasks/figures");
  const table = await screen.findByRole("table", { name: "Every kind of job" });
  const names = () =>
    within(table)
      .getAllByRole("rowheader")
      .map((cell) => cell.textContent);
  expect(names()[0]).toBe("Sending a campaign's messages");
  const first = within(table).getAllByRole("row")[1] as HTMLElement;
  expect(
    within(first)
      .getAllByRole("cell")
      .map((cell) => cell.textContent),
  ).toEqual(["bulk", "1,904", "0.6%", "180ms", "720ms", "1.6s", "2.4s", "7.2s", "14.4s", "1h 16m"]);
  await userEvent.selectOptions(screen.getByRole("combobox", { name: "Sort by" }), "Runs");
  expect(names()[0]).toBe("Crediting an order to a campaign");
  expect(router.state.location.search).toBe("?sort=runs");
});

test("the chart's title is its finding, and the table says the same", async () => {
  renderApp("/tasks/figures");
  const failed = series.points.reduce((sum, point) => sum + point.dead, 0);
  expect(
    await screen.findByRole("heading", {
      name: new RegExp(`^${failed} jobs failed for good, <0.1% of 1\\d\\d,`),
    }),
  ).toBeInTheDocument();
  const [toTable] = screen.getAllByRole("button", { name: "Show as table" });
  if (!toTable) throw new Error("no table view");
  await userEvent.click(toTable);
  const tables = await screen.findAllByRole("table");
  expect(within(tables[0] as HTMLElement).getAllByRole("row")).toHaveLength(25);
});

test("a period and a kind of job are asked for by the address", async () => {
  const asked: string[] = [];
  server.use(
    http.get("*/api/v1/jobs/series", ({ request }) => {
      asked.push(new URL(request.url).search);
      return HttpResponse.json(series);
    }),
  );
  const { router } = renderApp("/tasks/figures");
  await userEvent.click(await screen.findByRole("button", { name: "7 days" }));
  await userEvent.click(await screen.findByRole("link", { name: "Importing the store's data" }));
  await waitFor(() => expect(asked.at(-1)).toBe("?window=7d&name=sync.import"));
  expect(router.state.location.search).toBe("?window=7d&name=sync.import");
});
