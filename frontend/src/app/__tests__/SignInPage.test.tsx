import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http } from "msw";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { de } from "@/i18n/de";
import { createTranslate } from "@/i18n/translate";
import { problem } from "@/testing/handlers";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

const TITLE = "Sign in to Storecast";
const { location } = window;
const gone: string[] = [];

beforeEach(() => {
  gone.length = 0;
  const { origin, href } = location;
  vi.stubGlobal("location", {
    origin,
    href,
    pathname: "/",
    search: "",
    assign: (path: string) => gone.push(path),
  });
  server.use(http.get("*/api/v1/session", () => problem(401, { code: "unauthenticated" })));
});

afterEach(() => {
  // Unstubbing all would take away what setup.ts put in place for every file.
  vi.stubGlobal("location", location);
  vi.stubGlobal("shopify", undefined);
});

test("without a session the page asks for the store, calmly", async () => {
  renderApp("/campaigns");
  expect(await screen.findByRole("heading", { level: 1, name: TITLE })).toBeInTheDocument();
  expect(document.title).toBe(TITLE);
  expect(screen.getByText(/^Inside the Shopify admin no sign-in is needed/)).toBeInTheDocument();
  expect(screen.queryByRole("alert")).toBeNull();
  expect(screen.queryByText("req_test_123")).toBeNull();
});

test("a store's address leads to Shopify, and is remembered", async () => {
  const { unmount } = renderApp("/");
  await userEvent.type(
    await screen.findByLabelText("Your store's address"),
    "https://cdnow.myshopify.com/admin{enter}",
  );
  expect(gone).toEqual(["/auth/login?shop=cdnow.myshopify.com"]);
  unmount();
  renderApp("/");
  expect(await screen.findByLabelText("Your store's address")).toHaveValue("cdnow.myshopify.com");
});

test("what is no address is said beside the field, and nothing else happens", async () => {
  renderApp("/");
  const field = await screen.findByLabelText("Your store's address");
  const button = screen.getByRole("button", { name: "Sign in with Shopify" });
  await userEvent.click(button);
  expect(field).toHaveAccessibleDescription(/Enter your store's address\./);
  await userEvent.type(field, "cdnow.com");
  expect(field).toBeValid();
  await userEvent.click(button);
  expect(field).toBeInvalid();
  expect(field).toHaveAccessibleDescription(/This is no store's address at Shopify/);
  expect(field).toHaveFocus();
  expect(gone).toEqual([]);
});

test("inside the admin a refused session is an error, not a sign-in", async () => {
  vi.stubGlobal("shopify", { idToken: () => Promise.resolve("token") });
  renderApp("/");
  expect(await screen.findByRole("alert")).toHaveTextContent("Open Storecast from your store's admin");
  expect(screen.queryByText(TITLE)).toBeNull();
});

test("German readers are asked in German", () => {
  expect(createTranslate(de, "de")("sign_in.action")).toBe("Mit Shopify anmelden");
});
