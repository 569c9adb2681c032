import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { subjectInWords } from "../subjectInWords";

describePage("New campaign", {
  path: "/campaigns/new",
  api: "/templates",
  data: "Plain letter",
  empty: { body: [], text: "No templates are installed" },
});

test("choosing a template creates a campaign and opens its editor", async () => {
  const { router } = renderApp("/campaigns/new");
  await userEvent.click(await screen.findByRole("button", { name: "Use this template: Sale" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/campaigns/cmp_draft/edit"));
});

test("the gallery shows the pictures that the API made", async () => {
  renderApp("/campaigns/new");
  const frame = await screen.findByTitle("The template Sale");
  expect(frame.getAttribute("srcdoc")).toContain("20% off, this week only");
});

test.each([
  ["{{ customer.first_name|default('Hello') }}, news from {{ shop.name }}", "Hello, news from CDNOW"],
  ["{% if customer.first_name %}{{ customer.first_name }}{% else %}Hello{% endif %}, come in", "…, come in"],
  ["New in this week", "New in this week"],
])("a subject is told without its braces: %s", (source, words) => {
  expect(subjectInWords(source, "CDNOW")).toBe(words);
});
