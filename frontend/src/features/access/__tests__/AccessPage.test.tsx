import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { apiKeys, members, newKey } from "@/testing/accessData";
import { session } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

describePage("Access", {
  path: "/settings/access",
  api: "/api-keys",
  data: "Nightly export",
  empty: { body: { items: [], next_cursor: null }, text: /No program has a key to this store/ },
});

test("a member gets another role, and the list says so", async () => {
  let sent: unknown;
  server.use(
    http.patch("*/api/v1/members/9", async ({ request }) => {
      sent = await request.json();
      return HttpResponse.json({ ...members.items[2], role: "viewer" });
    }),
  );
  renderApp("/settings/access");
  await userEvent.click(await screen.findByRole("button", { name: "Actions for Mika Market" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Change role" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.selectOptions(within(dialog).getByRole("combobox", { name: "Role" }), "viewer");
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(sent).toEqual({ role: "viewer" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});

test("what the API would refuse is not offered", async () => {
  renderApp("/settings/access");
  await screen.findByRole("button", { name: "Actions for Ada Admin" });
  expect(screen.queryByRole("button", { name: "Actions for Robin Vance" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Actions for Old export" })).toBeNull();
});

test("a refused removal says why", async () => {
  server.use(
    http.patch("*/api/v1/members/8", () => problem(409, { code: "last_owner", title: "Keep an owner" })),
  );
  renderApp("/settings/access");
  await userEvent.click(await screen.findByRole("button", { name: "Actions for Ada Admin" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Remove" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.click(within(dialog).getByRole("button", { name: "Remove" }));
  expect(await within(dialog).findByText(/It did not work/)).toBeInTheDocument();
});

test("a new key's secret is shown once", async () => {
  let sent: Record<string, unknown> = {};
  server.use(
    http.post("*/api/v1/api-keys", async ({ request }) => {
      sent = (await request.json()) as Record<string, unknown>;
      return HttpResponse.json(newKey, { status: 201 });
    }),
  );
  renderApp("/settings/access");
  await userEvent.click(await screen.findByRole("button", { name: "Make a key" }));
  await userEvent.click(await screen.findByRole("button", { name: "Make it" }));
  expect(await screen.findByText("Say what the key is for.")).toBeInTheDocument();
  await userEvent.type(screen.getByRole("textbox", { name: "Name" }), "Warehouse");
  await userEvent.selectOptions(screen.getByRole("combobox", { name: "Ends" }), "never");
  await userEvent.click(screen.getByRole("button", { name: "Make it" }));
  expect(await screen.findByDisplayValue(newKey.secret)).toBeInTheDocument();
  expect(sent).toEqual({ name: "Warehouse", scopes: ["read"], expires_at: null });
  await userEvent.click(screen.getByRole("button", { name: "I have stored it" }));
  await waitFor(() => expect(screen.queryByDisplayValue(newKey.secret)).toBeNull());
});

test("a key is revoked after a question", async () => {
  let revoked = false;
  server.use(
    http.delete(`*/api/v1/api-keys/${apiKeys[0]?.id}`, () => {
      revoked = true;
      return new HttpResponse(null, { status: 204 });
    }),
  );
  renderApp("/settings/access");
  await userEvent.click(await screen.findByRole("button", { name: "Actions for Nightly export" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Revoke" }));
  const dialog = await screen.findByRole("dialog");
  expect(revoked).toBe(false);
  await userEvent.click(within(dialog).getByRole("button", { name: "Revoke" }));
  await waitFor(() => expect(revoked).toBe(true));
});

test("a shop that lost its access is told on every page", async () => {
  server.use(
    http.get("*/api/v1/session", () =>
      HttpResponse.json({ ...session, shop: { ...session.shop, access: "lost" } }),
    ),
  );
  renderApp("/settings/access");
  expect(await screen.findByText("Storecast has lost its access to the store")).toBeInTheDocument();
});
