import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { overview } from "@/testing/data";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

describePage("Analytics", {
  path: "/analytics",
  api: "/analytics/overview",
  data: "Campaigns earned $25,732.50 in 30 days: 27.8% of the store's $92,640.00.",
  empty: {
    body: { ...overview, orders: 0, funnel: overview.funnel.map((step) => ({ ...step, sessions: 0 })) },
    text: "Nothing to measure yet",
  },
});

test("the period is in the address and asked of the API", async () => {
  const asked: (string | null)[] = [];
  server.use(
    http.get("*/api/v1/analytics/overview", ({ request }) => {
      asked.push(new URL(request.url).searchParams.get("days"));
      return HttpResponse.json(overview);
    }),
  );
  const { router } = renderApp("/analytics");
  await userEvent.click(await screen.findByRole("button", { name: "90 days" }));
  expect(router.state.location.search).toBe("?days=90");
  expect(await screen.findByText(/in 90 days: 27.8%/)).toBeInTheDocument();
  expect(asked).toEqual(["30", "90"]);
});

test("funnel steps are shares of the step before", async () => {
  renderApp("/analytics");
  const funnel = await screen.findByRole("list", { name: "8.8% of 18,204 visits ended with an order" });
  expect(funnel).toHaveTextContent("Put it in the cart3,91135.5%");
});
