import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { featureList, session } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { discount } from "@/testing/storeData";

const LIST = "/campaigns/discounts";

function allowDiscounts() {
  const features = [
    ...featureList.features.filter(({ feature }) => feature !== "discounts"),
    { feature: "discounts" as const, scopes: [], missing: [], granted: true, optional: true },
  ];
  server.use(http.get("*/api/v1/settings/scopes", () => HttpResponse.json({ ...featureList, features })));
}

describePage("Discount codes", {
  path: LIST,
  api: "/discounts",
  data: "Ten percent for regulars",
  empty: { body: { items: [], next_cursor: null }, text: "A code of their own for everybody" },
});

describePage("Discount", { path: `${LIST}/dsc_1`, api: "/discounts/dsc_1", data: "12.5% off" });

test("the list says how many codes are left", async () => {
  renderApp(LIST);
  const row = (await screen.findByRole("link", { name: "Ten percent for regulars" })).closest("tr");
  expect(row).toHaveTextContent("998 of 1,00041818");
});

test("codes are asked for once, and the page of the discount follows", async () => {
  allowDiscounts();
  const sent: { body: unknown; once: string | null }[] = [];
  server.use(
    http.post("*/api/v1/discounts", async ({ request }) => {
      sent.push({ body: await request.json(), once: request.headers.get("Idempotency-Key") });
      return HttpResponse.json(discount, { status: 202 });
    }),
  );
  const { router } = renderApp(LIST);
  await userEvent.click(await screen.findByRole("button", { name: "Create codes" }));
  const dialog = await screen.findByRole("dialog");
  const codes = within(dialog).getByRole("spinbutton", { name: "Codes" });
  await userEvent.clear(codes);
  await userEvent.type(codes, "100001");
  await userEvent.click(within(dialog).getByRole("button", { name: "Create codes" }));
  expect(within(dialog).getByText("Give it a name.")).toBeInTheDocument();
  expect(within(dialog).getByText("Enter a whole number from 1 to 100,000.")).toBeInTheDocument();
  expect(sent).toEqual([]);

  await userEvent.type(within(dialog).getByLabelText("Name"), "Regulars");
  await userEvent.clear(codes);
  await userEvent.type(codes, "500");
  await userEvent.type(within(dialog).getByLabelText("Begins with"), "hello-");
  await userEvent.click(within(dialog).getByRole("button", { name: "Create codes" }));

  await waitFor(() => expect(router.state.location.pathname).toBe(`${LIST}/dsc_1`));
  expect(sent).toEqual([
    {
      body: {
        title: "Regulars",
        percent: 10,
        codes: 500,
        prefix: "HELLO-",
        ends_at: null,
        once_per_customer: true,
      },
      once: expect.stringMatching(/^[0-9a-f-]{36}$/),
    },
  ]);
});

test("what is being made shows how far it is, and may be left", async () => {
  const running = { ...discount, state: "running", live: 250, redeemed: 0, refused: 0, refusals: [] };
  server.use(http.get("*/api/v1/discounts/dsc_1", () => HttpResponse.json(running)));
  renderApp(`${LIST}/dsc_1`);
  const bar = await screen.findByRole("progressbar", { name: "Codes at Shopify" });
  expect(bar).toHaveAttribute("aria-valuenow", "25");
  expect(screen.getByText(/You can leave this page/)).toBeInTheDocument();
});

test("what Shopify refused is told with the reason", async () => {
  renderApp(`${LIST}/dsc_1`);
  expect(await screen.findByRole("heading", { name: "Shopify refused 2 codes." })).toBeInTheDocument();
  expect(screen.getByText("The code is taken.")).toBeInTheDocument();
});

test("a download that fails says so with the request id", async () => {
  server.use(http.get("*/api/v1/discounts/dsc_1/codes", () => problem(503)));
  renderApp(`${LIST}/dsc_1`);
  await userEvent.click(await screen.findByRole("button", { name: "Download codes" }));
  expect(await screen.findByText("req_test_123")).toBeInTheDocument();
});

test("without the scope, or without the permission, nothing can be made", async () => {
  renderApp(LIST);
  expect(await screen.findByText("The store has not allowed discounts")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Create codes" })).toBeNull();
});

test("who only looks takes no codes along", async () => {
  allowDiscounts();
  server.use(http.get("*/api/v1/session", () => HttpResponse.json({ ...session, permissions: ["read"] })));
  renderApp(`${LIST}/dsc_1`);
  await screen.findByText("12.5% off");
  expect(screen.queryByRole("button", { name: "Download codes" })).toBeNull();
});
