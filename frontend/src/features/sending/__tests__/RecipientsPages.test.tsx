import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { session } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { suppressions, topics } from "@/testing/sendingData";
import { server } from "@/testing/server";

const BLOCKED = "/settings/sending/blocked";
const TOPICS = "/settings/sending/topics";

describePage("Blocked addresses", {
  path: BLOCKED,
  api: "/suppressions",
  data: "A campaign’s recipient",
  empty: { body: { items: [], next_cursor: null }, text: "No address is blocked" },
});

describePage("Topics", {
  path: TOPICS,
  api: "/topics",
  data: "What has just come in.",
  empty: { body: { topics: [] }, text: "No topics yet" },
});

test("one whole address is asked after, and its entry is lifted", async () => {
  const asked: (string | null)[] = [];
  let lifted = "";
  server.use(
    http.get("*/api/v1/suppressions", ({ request }) => {
      const email = new URL(request.url).searchParams.get("email");
      asked.push(email);
      return HttpResponse.json(
        email ? { ...suppressions, items: suppressions.items.slice(0, 1) } : suppressions,
      );
    }),
    http.delete("*/api/v1/suppressions/:id", ({ params }) => {
      lifted = String(params.id);
      return new HttpResponse(null, { status: 204 });
    }),
  );
  renderApp(BLOCKED);
  await screen.findByText("A campaign’s recipient");
  await userEvent.type(screen.getByLabelText("Search for a whole address"), "zoe@example.com");
  await userEvent.click(screen.getByRole("button", { name: "Search" }));
  await waitFor(() => expect(asked.at(-1)).toBe("zoe@example.com"));
  await waitFor(() => expect(screen.queryByText("A campaign’s recipient")).toBeNull());
  expect(window.location.href).not.toContain("zoe");
  await userEvent.click(screen.getByRole("button", { name: "Unblock: a1b2c3d4e5f6" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByText(/Reason: Called it spam/)).toBeInTheDocument();
  await userEvent.click(within(dialog).getByRole("button", { name: "Unblock" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(lifted).toBe(suppressions.items[0]?.id);
});

test("what is no address is told beside the field", async () => {
  server.use(
    http.post("*/api/v1/suppressions", () =>
      problem(422, {
        errors: [{ pointer: "/email", message: "This is not an e-mail address.", code: "address_invalid" }],
      }),
    ),
  );
  renderApp(BLOCKED);
  await userEvent.click(await screen.findByRole("button", { name: "Block an address" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.type(within(dialog).getByLabelText("E-mail address"), "zoe");
  await userEvent.click(within(dialog).getByRole("button", { name: "Block an address" }));
  expect(await within(dialog).findByText("This is not an e-mail address.")).toBeInTheDocument();
});

test("who may only read changes nothing", async () => {
  server.use(http.get("*/api/v1/session", () => HttpResponse.json({ ...session, permissions: ["read"] })));
  renderApp(BLOCKED);
  await screen.findByText("A campaign’s recipient");
  expect(screen.queryByRole("button", { name: /Unblock/ })).toBeNull();
  expect(screen.queryByRole("button", { name: "Block an address" })).toBeNull();
});

test("a topic is changed and archived", async () => {
  const sent: unknown[] = [];
  server.use(
    http.patch("*/api/v1/topics/top_1", async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json(topics[0]);
    }),
  );
  renderApp(TOPICS);
  await userEvent.click(await screen.findByRole("button", { name: "Actions for New arrivals" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Change" }));
  const dialog = await screen.findByRole("dialog");
  const name = within(dialog).getByLabelText("Name");
  await userEvent.clear(name);
  await userEvent.type(name, "Arrivals");
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await userEvent.click(screen.getByRole("button", { name: "Actions for New arrivals" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Archive" }));
  await waitFor(() =>
    expect(sent).toEqual([{ name: "Arrivals", description: "What has just come in." }, { archived: true }]),
  );
});
