import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";

describePage("Segments", {
  path: "/segments",
  api: "/segments",
  data: "Best customers",
  empty: { body: { items: [], next_cursor: null }, text: "Write to the right people" },
});

test("tells who is in a segment as a sentence", async () => {
  renderApp("/segments");
  expect(
    await screen.findByText(
      "Number of orders is at least 2 and Last order was not in the last 90 days and E-mail subscription is Subscribed",
    ),
  ).toBeInTheDocument();
});
