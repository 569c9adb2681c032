import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { customers } from "@/testing/data";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

describePage("Customers", {
  path: "/customers",
  api: "/customers",
  data: "Ada Quist",
  empty: { body: { items: [], next_cursor: null }, text: "No customers yet" },
});

test("the page opens on how many there are and how many may be written to", async () => {
  renderApp("/customers");
  expect(await screen.findByRole("heading", { name: "23,570 customers" })).toBeInTheDocument();
  expect(screen.getByText("17,204 of them get e-mail (73%)")).toBeInTheDocument();
  const row = (await screen.findByRole("link", { name: /Ada Quist/ })).closest("tr");
  expect(row).toHaveTextContent("Subscribed");
  expect(row).toHaveTextContent("Portland, United States");
});

test("a search goes to the address and to the API, and nobody found is said", async () => {
  const asked: (string | null)[] = [];
  server.use(
    http.get("*/api/v1/customers", ({ request }) => {
      const search = new URL(request.url).searchParams.get("search");
      asked.push(search);
      return HttpResponse.json({ items: search ? [] : customers, next_cursor: null });
    }),
  );
  const { router } = renderApp("/customers");
  await userEvent.type(await screen.findByRole("searchbox"), "nobody");
  expect(await screen.findByText("Nobody was found")).toBeInTheDocument();
  expect(router.state.location.search).toBe("?q=nobody");
  expect(asked.at(-1)).toBe("nobody");
  await userEvent.click(screen.getByRole("button", { name: "Show everybody" }));
  expect(await screen.findByRole("link", { name: /Ada Quist/ })).toBeInTheDocument();
});

test("the next page is read from behind the last customer", async () => {
  const [first, second] = customers;
  server.use(
    http.get("*/api/v1/customers", ({ request }) =>
      new URL(request.url).searchParams.get("cursor") === "next"
        ? HttpResponse.json({ items: [second], next_cursor: null })
        : HttpResponse.json({ items: [first], next_cursor: "next" }),
    ),
  );
  renderApp("/customers");
  await userEvent.click(await screen.findByRole("button", { name: "Show more" }));
  expect(await screen.findByRole("link", { name: /Bram Okafor/ })).toBeInTheDocument();
  expect(screen.getByRole("link", { name: /Ada Quist/ })).toBeInTheDocument();
  await waitFor(() => expect(screen.queryByRole("button", { name: "Show more" })).toBeNull());
});
