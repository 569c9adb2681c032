import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { report, sentCampaign } from "@/testing/data";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

const PATH = "/campaigns/cmp_sent";

describePage("Campaign report", {
  path: PATH,
  api: "/campaigns/cmp_sent/report",
  data: "$18,422.50",
  empty: { body: { ...report, state: "draft" }, text: "This campaign has not been sent" },
});

test("people who opened, clicked and ordered are shares of those who got it", async () => {
  renderApp(PATH);
  expect(await screen.findByText("231 people ordered (2.9% of delivered)")).toBeInTheDocument();
  expect(screen.getByText("Opens: 4,410 by people, 2,180 by mail programs")).toBeInTheDocument();
});

test("a sending campaign shows its progress and can be paused", async () => {
  let paused = false;
  server.use(
    http.get("*/api/v1/campaigns/cmp_sent/report", () =>
      HttpResponse.json({
        ...report,
        state: paused ? "paused" : "sending",
        counts: { audience: 1_000, excluded: 0, accepted: 250, pending: 750, failed: 0, unknown: 0 },
        rate_per_s: 50,
      }),
    ),
    http.post("*/api/v1/campaigns/cmp_sent/pause", () => {
      paused = true;
      return HttpResponse.json({ ...sentCampaign, state: "paused" });
    }),
  );
  renderApp(PATH);
  expect(await screen.findByRole("progressbar", { name: "Messages sent" })).toHaveAttribute(
    "aria-valuenow",
    "25",
  );
  expect(screen.getByText(/250 of 1,000 · 50\/s · 15s left/)).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Pause" }));
  expect(await screen.findByRole("button", { name: "Go on sending" })).toBeInTheDocument();
});

test("every recipient has a story", async () => {
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Show the story of Ada Quist" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByText("Clicked a link")).toBeInTheDocument();
  expect(within(dialog).getByText("Ordered #1042 for $89.90")).toBeInTheDocument();
});

test("a chart can be read as a table", async () => {
  renderApp(PATH);
  await screen.findByText("231 people ordered (2.9% of delivered)");
  const [first] = screen.getAllByRole("button", { name: "Show as table" });
  if (!first) throw new Error("no table switch");
  await userEvent.click(first);
  const table = await screen.findByRole("table", { name: "231 people ordered (2.9% of delivered)" });
  expect(within(table).getByRole("row", { name: "Ordered 231 2.9%" })).toBeInTheDocument();
});
