import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { campaignRows, money } from "@/testing/data";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

describePage("Campaigns", {
  path: "/campaigns",
  api: "/campaigns",
  data: "Autumn new arrivals",
  empty: { body: { items: [], next_cursor: null }, text: "Write to your customers" },
});

test("the state filter lives in the address and asks the API", async () => {
  const { router } = renderApp("/campaigns");
  await screen.findByText("Autumn new arrivals");
  await userEvent.click(screen.getByRole("button", { name: "Draft" }));
  expect(router.state.location.search).toBe("?state=draft");
  await waitFor(() => expect(screen.queryByText("Autumn new arrivals")).toBeNull());
  expect(screen.getByRole("link", { name: "Win-back, November" })).toHaveAttribute(
    "href",
    "/campaigns/cmp_draft/edit",
  );
});

test("a state without campaigns leads back to all of them", async () => {
  renderApp("/campaigns?state=failed");
  expect(await screen.findByText("No campaign is in this state")).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "Show all campaigns" })).toHaveAttribute("href", "/campaigns");
});

test("what a recipient brought in is never rounded to nothing", async () => {
  const row = {
    ...campaignRows[0],
    state: "sent",
    sent: 5_997,
    clicks: 1,
    revenue: money(20_98),
    revenue_per_recipient_minor: 0,
  };
  server.use(http.get("*/api/v1/campaigns", () => HttpResponse.json({ items: [row], next_cursor: null })));
  renderApp("/campaigns");
  expect(await screen.findByText("<$0.01")).toBeInTheDocument();
  expect(screen.getByText("<0.1% (1)")).toBeInTheDocument();
});
