import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { featureList, segments, session } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { credits } from "@/testing/storeData";

const PATH = "/customers/cus_1";

function allowCredit() {
  const features = [
    ...featureList.features.filter(({ feature }) => feature !== "store_credit"),
    { feature: "store_credit" as const, scopes: [], missing: [], granted: true, optional: true },
  ];
  server.use(http.get("*/api/v1/settings/scopes", () => HttpResponse.json({ ...featureList, features })));
}

describePage("Customer", { path: PATH, api: "/customers/cus_1", data: "Order #31961" });

test("tells the consent of both channels with how and since when", async () => {
  renderApp(PATH);
  const card = (await screen.findByRole("heading", { name: "Consent" })).closest(".Polaris-BlockStack");
  expect(card).toHaveTextContent(/E-mail(Success)?SubscribedSaid .+ · confirmed by a link/);
  expect(card).toHaveTextContent(/Text messages(Warning)?UnsubscribedSaid 20 days ago/);
});

test("the timeline tells orders and messages, and which opens were a machine's", async () => {
  renderApp(PATH);
  expect(await screen.findByText("Clicked a link")).toBeInTheDocument();
  const opened = screen.getByText("Opened the message").closest("li");
  expect(opened).toHaveTextContent("By a mail program");
  const order = screen.getByText("Order #31961").closest("li");
  expect(order).toHaveTextContent("Cancelled");
  expect(order).toHaveTextContent("$20.97");
  expect(screen.getAllByRole("link", { name: "Autumn" })[0]).toHaveAttribute("href", "/campaigns/cmp_autumn");
});

test("each segment says why the customer is in it", async () => {
  server.use(http.get("*/api/v1/segments/of-customer/:id", () => HttpResponse.json(segments.slice(0, 1))));
  renderApp(PATH);
  expect(await screen.findByRole("link", { name: segments[0]?.name ?? "" })).toBeInTheDocument();
  expect(screen.getByText(/^Because: Number of orders is at least 2/)).toBeInTheDocument();
});

test("store credit is given once, after its amount and the person were named", async () => {
  allowCredit();
  const sent: { body: unknown; once: string | null }[] = [];
  server.use(
    http.post("*/api/v1/customers/cus_1/store-credit", async ({ request }) => {
      sent.push({ body: await request.json(), once: request.headers.get("Idempotency-Key") });
      return sent.length === 1 ? problem(503) : HttpResponse.json(credits[1], { status: 202 });
    }),
  );
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Give store credit" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.click(within(dialog).getByRole("button", { name: "Continue" }));
  expect(within(dialog).getByText("Enter an amount such as 10.00.")).toBeInTheDocument();
  expect(within(dialog).getByText("Say what it is for.")).toBeInTheDocument();
  await userEvent.type(within(dialog).getByLabelText("Amount"), "12.50");
  await userEvent.type(within(dialog).getByLabelText("Reason"), "Late parcel");
  await userEvent.click(within(dialog).getByRole("button", { name: "Continue" }));
  expect(within(dialog).getByText("Give $12.50 to Ada Quist?")).toBeInTheDocument();
  expect(sent).toEqual([]);

  await userEvent.click(within(dialog).getByRole("button", { name: "Give $12.50" }));
  expect(await within(dialog).findByText("req_test_123")).toBeInTheDocument();
  await userEvent.click(within(dialog).getByRole("button", { name: "Continue" }));
  await userEvent.click(within(dialog).getByRole("button", { name: "Give $12.50" }));

  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent.map(({ body }) => body)).toEqual([
    { amount_minor: 1250, reason: "Late parcel", notify: false },
    { amount_minor: 1250, reason: "Late parcel", notify: false },
  ]);
  // The same wish under the same key: had the first arrived after all, the second would give nothing.
  expect(sent[0]?.once).toBeTruthy();
  expect(sent[1]?.once).toBe(sent[0]?.once);
});

test("the ledger tells what was given, what was not and why", async () => {
  allowCredit();
  renderApp(PATH);
  const ledger = await screen.findByRole("table", { name: "Store credit" });
  expect(within(ledger).getByRole("row", { name: /\$5.00/ })).toHaveTextContent("Not given");
  expect(within(ledger).getByText("Birthday · The customer is gone.")).toBeInTheDocument();
  // Some of it was spent: Shopify's figure stands first, the ledger's beside it.
  expect(await screen.findByText("Balance at Shopify: $7.25")).toBeInTheDocument();
  expect(screen.getByText("Given through Storecast: $10.00")).toBeInTheDocument();
  expect(screen.queryByText(/^On its way/)).toBeNull();
});

test("a balance that Shopify does not tell leaves the ledger readable, and says so", async () => {
  allowCredit();
  server.use(http.get("*/api/v1/customers/:id/store-credit/balance", () => problem(503)));
  renderApp(PATH);
  expect(await screen.findByText("Shopify's balance could not be read")).toBeInTheDocument();
  expect(screen.getByRole("table", { name: "Store credit" })).toBeInTheDocument();
});

test("without the store's permission nothing is offered but the way to it", async () => {
  renderApp(PATH);
  expect(await screen.findByText("The store has not allowed store credit")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Give store credit" })).toBeNull();
});

test("who may not manage gives nothing and erases nobody", async () => {
  allowCredit();
  server.use(http.get("*/api/v1/session", () => HttpResponse.json({ ...session, permissions: ["read"] })));
  renderApp(PATH);
  await screen.findByText("Given through Storecast: $10.00");
  expect(screen.queryByRole("button", { name: "Give store credit" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Erase" })).toBeNull();
});

test("an erasure names the person, says what it does, and asks for them by Shopify's number", async () => {
  let sent: unknown;
  server.use(
    http.post("*/api/v1/privacy/requests", async ({ request }) => {
      sent = await request.json();
      return HttpResponse.json({}, { status: 202 });
    }),
  );
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Erase" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByText("Erase Ada Quist?")).toBeInTheDocument();
  expect(within(dialog).getByText(/cannot be undone/)).toBeInTheDocument();
  expect(sent).toBeUndefined();
  await userEvent.click(within(dialog).getByRole("button", { name: "Erase for good" }));
  await waitFor(() =>
    expect(sent).toEqual({ kind: "customer_redact", customer_id: 191167, email: "ada.quist@example.com" }),
  );
  expect(await screen.findByRole("link", { name: "See how far it is" })).toBeInTheDocument();
});
