import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { session } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { detail } from "@/testing/privacyData";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

const PATH = "/settings/privacy";

describePage("Privacy", {
  path: PATH,
  api: "/privacy/requests",
  data: "1 request is overdue",
  empty: { body: { items: [], next_cursor: null }, text: "Nobody has asked about their data yet" },
});

test("who may not manage is told whom to ask, and offered nothing", async () => {
  server.use(http.get("*/api/v1/session", () => HttpResponse.json({ ...session, permissions: ["read"] })));
  renderApp(PATH);

  expect(await screen.findByText("Your role does not show privacy requests")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Erase a customer" })).toBeNull();
});

test("a request shows its proof, and its passphrase once", async () => {
  renderApp(`${PATH}?request=3`);
  const dialog = await screen.findByRole("dialog");
  const proof = await within(dialog).findByRole("table", { name: "Proof" });
  expect(within(proof).getByRole("row", { name: /Visits to the storefront/ })).toHaveTextContent("214");
  expect(within(proof).queryByText("Messages from Shopify")).toBeNull();

  await userEvent.click(within(dialog).getByRole("button", { name: "Show the passphrase once" }));

  expect(await within(dialog).findByText("k7mqp-only-once")).toBeInTheDocument();
  expect(within(dialog).queryByRole("button", { name: "Show the passphrase once" })).toBeNull();
});

test("an erasure says what it does, and sends whom it is about", async () => {
  let sent: unknown;
  server.use(
    http.post("*/api/v1/privacy/requests", async ({ request }) => {
      sent = await request.json();
      return HttpResponse.json(detail, { status: 202 });
    }),
  );
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Erase a customer" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByText(/cannot be undone/)).toBeInTheDocument();
  await userEvent.type(within(dialog).getByLabelText("E-mail address"), "ada@example.com");
  await userEvent.type(within(dialog).getByLabelText("Shopify customer ID"), "191167");
  await userEvent.click(within(dialog).getByRole("button", { name: "Erase for good" }));

  await waitFor(() =>
    expect(sent).toEqual({ kind: "customer_redact", email: "ada@example.com", customer_id: 191167 }),
  );
});

test("an id that is none is told before anything is sent", async () => {
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Erase a customer" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.type(within(dialog).getByLabelText("Shopify customer ID"), "ada");
  await userEvent.click(within(dialog).getByRole("button", { name: "Erase for good" }));
  expect(await within(dialog).findByText("Enter a number such as 191167.")).toBeInTheDocument();
});

test("a download that fails says so with the request id", async () => {
  server.use(http.post("*/api/v1/privacy/requests/:id/link", () => problem(503)));
  renderApp(`${PATH}?request=3`);
  const dialog = await screen.findByRole("dialog");
  await userEvent.click(await within(dialog).findByRole("button", { name: "Download" }));
  expect(await within(dialog).findByText("req_test_123")).toBeInTheDocument();
});

test("each kind of data has a name and says what is in it, what goes first comes first", async () => {
  renderApp(PATH);
  const table = await screen.findByRole("table", { name: "How long data is kept" });
  const names = within(table)
    .getAllByRole("rowheader")
    .map((cell) => cell.textContent);
  expect(names).toEqual([
    "Messages from ShopifyChanges to orders and customers as Shopify told them.",
    "Visits to the storefrontPages, carts and checkouts of visitors who agreed to it.",
    "CustomersName, addresses, phone number, tags and consent.",
  ]);
});

test("what somebody looked at leads there", async () => {
  renderApp(PATH);
  expect(await screen.findByRole("link", { name: "cmp_autumn" })).toHaveAttribute(
    "href",
    "/campaigns/cmp_autumn",
  );
});
