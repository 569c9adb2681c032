import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { preview, report, sentCampaign } from "@/testing/data";
import { problem } from "@/testing/handlers";
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
  expect(await screen.findByText("231 people ordered (2.9% of sent)")).toBeInTheDocument();
  expect(screen.getByText("Opens: 4,410 by people, 2,180 by mail programs")).toBeInTheDocument();
});

test("what the mail server took is called sent, and delivered when it did not come back", async () => {
  renderApp(PATH);
  const figures = await screen.findByRole("region", { name: "Results in figures" });
  expect(within(figures).getByText("Sent")).toBeInTheDocument();
  const funnel = screen.getByRole("list", { name: "231 people ordered (2.9% of sent)" });
  expect(within(funnel).getByText("Sent")).toBeInTheDocument();
  expect(within(funnel).getByText("Delivered").parentElement).toHaveTextContent("8,049");
});

test("the subject is told as somebody of the audience read it", async () => {
  const subject = "{{ customer.first_name|default('Hello') }}, news from {{ shop.name }}";
  let answer = () => HttpResponse.json({ ...preview, subject: "Ada, news from CDNOW Records" });
  server.use(
    http.get("*/api/v1/campaigns/cmp_sent", () => HttpResponse.json({ ...sentCampaign, subject })),
    http.post("*/api/v1/campaigns/cmp_sent/preview", () => answer()),
  );
  const { unmount } = renderApp(PATH);
  expect(await screen.findByText("Ada, news from CDNOW Records")).toBeInTheDocument();
  unmount();
  answer = () => problem(422);
  renderApp(PATH);
  expect(await screen.findByText("Hello, news from CDNOW Records")).toBeInTheDocument();
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

test("revenue of the hour in which a campaign went out is not told before it went out", async () => {
  const hour = new Date();
  hour.setMinutes(0, 0, 0);
  const started_at = new Date(hour.getTime() - 20 * 60_000).toISOString();
  const at = new Date(hour.getTime() - 60 * 60_000).toISOString();
  server.use(
    http.get("*/api/v1/campaigns/cmp_sent/report", () =>
      HttpResponse.json({ ...report, started_at, revenue_over_time: [{ at, amount_minor: 20_98 }] }),
    ),
  );
  renderApp(PATH);
  await screen.findByText("231 people ordered (2.9% of sent)");
  const [, switchRevenue] = screen.getAllByRole("button", { name: "Show as table" });
  if (!switchRevenue) throw new Error("no table switch");
  await userEvent.click(switchRevenue);
  const table = await screen.findByRole("table", { name: /so far$/ });
  const times = within(table)
    .getAllByRole("rowheader")
    .map((cell) => Date.parse((cell.textContent ?? "").replaceAll(/\s/g, " ")));
  expect(times.filter(Number.isNaN)).toEqual([]);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times).toHaveLength(2);
});

test("every recipient has a story, from the freeze to the order", async () => {
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Show the story of Ada Quist" }));
  const dialog = await screen.findByRole("dialog");
  await within(dialog).findByText("Chosen as a recipient");
  const steps = within(dialog)
    .getAllByRole("listitem")
    .map((step) => step.querySelector("span")?.textContent);
  expect(steps).toEqual([
    "Chosen as a recipient",
    "The mail server put it off once",
    "The mail server took the message",
    "Opened the message (by a machine, not counted)",
    "Opened the message",
    "Clicked a link",
    "Ordered #1042 for $89.90",
  ]);
  expect(within(dialog).getByText("Was in the segment “Best customers”")).toBeInTheDocument();
});

test("a recipient is found by address", async () => {
  renderApp(PATH);
  await screen.findByRole("button", { name: "Show the story of Ada Quist" });
  await userEvent.type(screen.getByRole("searchbox", { name: "Search by address or name" }), "bram");
  await waitFor(() =>
    expect(screen.queryByRole("button", { name: "Show the story of Ada Quist" })).toBeNull(),
  );
  expect(screen.getByRole("button", { name: "Show the story of Bram Okafor" })).toBeInTheDocument();
});

test("what machines did stands beside the rates", async () => {
  renderApp(PATH);
  const figures = await screen.findByRole("region", { name: "Results in figures" });
  expect(within(figures).getByText("Another 15% by mail programs only")).toBeInTheDocument();
  expect(within(figures).getByText("Unsubscribed")).toBeInTheDocument();
});

test("receiving domains and the answers of servers are told", async () => {
  renderApp(PATH);
  const domains = await screen.findByRole("table", { name: "By receiving domain" });
  expect(
    within(domains).getByRole("row", { name: /^gmail\.com 4,820 .* 2\.7% \(130\)/ }),
  ).toBeInTheDocument();
  const answers = screen.getByRole("table", { name: "What mail servers answered" });
  expect(within(answers).getByText("<address> mailbox unavailable")).toBeInTheDocument();
  expect(within(answers).getByText("The address does not exist")).toBeInTheDocument();
});

test("the message shows the clicks beside its links and leads nowhere", async () => {
  renderApp(PATH);
  const frame = await screen.findByTitle("The message with the clicks on its links");
  expect(frame).toHaveAttribute("sandbox", "allow-same-origin");
  const shown = new DOMParser().parseFromString(frame.getAttribute("srcdoc") ?? "", "text/html");
  const figures = [...shown.querySelectorAll("[data-heat-figure]")].map((figure) => figure.textContent);
  expect(figures).toEqual(["540", "201", "62"]);
  expect(shown.querySelectorAll("a[href]")).toHaveLength(0);
});

test("a chart can be read as a table", async () => {
  renderApp(PATH);
  await screen.findByText("231 people ordered (2.9% of sent)");
  const [first] = screen.getAllByRole("button", { name: "Show as table" });
  if (!first) throw new Error("no table switch");
  await userEvent.click(first);
  const table = await screen.findByRole("table", { name: "231 people ordered (2.9% of sent)" });
  expect(within(table).getByRole("row", { name: "Ordered 231 2.9%" })).toBeInTheDocument();
});

test("the report says what the discount codes proved", async () => {
  renderApp("/campaigns/cmp_sent");
  expect(await screen.findByText("118 of 8,064 discount codes were redeemed")).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "Ten off" })).toHaveAttribute("href", "/campaigns/discounts/dsc_1");
});
