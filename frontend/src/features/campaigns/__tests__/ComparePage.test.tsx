import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";

const PATH = "/campaigns/compare?campaign=cmp_sent&campaign=cmp_old";

describePage("Comparison of campaigns", {
  path: PATH,
  api: "/campaign-comparison",
  data: "Back to school",
});

test("the better of each figure is marked, whichever way round better is", async () => {
  renderApp(PATH);
  const table = await screen.findByRole("table", { name: "Compare campaigns" });
  expect(
    within(table).getByRole("row", { name: /^Revenue \$18,422\.50 ?Best \$7,310\.00$/ }),
  ).toBeInTheDocument();
  expect(
    within(table).getByRole("row", { name: /^Unsubscribed 0\.4% \(31\) ?Best 0\.5% \(31\)$/ }),
  ).toBeInTheDocument();
  expect(within(table).getByRole("row", { name: /^Sent 8,064 6,201$/ })).toBeInTheDocument();
});

test("without campaigns the page says how to choose them", async () => {
  renderApp("/campaigns/compare");
  expect(await screen.findByText("Choose campaigns to compare")).toBeInTheDocument();
});

test("campaigns are chosen in the list", async () => {
  renderApp("/campaigns");
  await userEvent.click(await screen.findByRole("checkbox", { name: /^Choose Back to school/ }));
  expect(screen.getByText("Choose one more to compare")).toBeInTheDocument();
  const others = screen.getAllByRole("checkbox");
  expect(others).toHaveLength(3);
  await userEvent.click(others[1] as HTMLElement);
  expect(screen.getByRole("link", { name: "Compare" })).toHaveAttribute(
    "href",
    "/campaigns/compare?campaign=cmp_old&campaign=cmp_sent",
  );
});

test("the list is ordered by a figure of the address", async () => {
  const { router } = renderApp("/campaigns");
  await userEvent.selectOptions(await screen.findByRole("combobox", { name: "Order by" }), "Click rate");
  expect(router.state.location.search).toBe("?sort=click_rate");
});
