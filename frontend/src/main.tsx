import "@shopify/polaris/build/esm/styles.css";
import "./app/app.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter, RouterProvider } from "react-router";
import { createQueryClient } from "./app/queryClient";
import { createRoutes } from "./app/routes";
import { loadLocale, preferredLocale } from "./i18n/locales";
import { sessionQuery } from "./lib/queries/session";
import { rememberShop } from "./lib/signIn";

/** What the admin adds to the first address; the page keeps only its own filters. */
const ADMIN_PARAMS = [
  "shop",
  "host",
  "embedded",
  "id_token",
  "hmac",
  "timestamp",
  "session",
  "locale",
  "shopify-reload",
];

function takeAdminParams(): void {
  const url = new URL(window.location.href);
  const shop = url.searchParams.get("shop");
  if (shop) rememberShop(shop);
  for (const name of ADMIN_PARAMS) url.searchParams.delete(name);
  window.history.replaceState(window.history.state, "", url.pathname + url.search + url.hash);
}

async function start(root: HTMLElement): Promise<void> {
  const client = createQueryClient();
  void client.prefetchQuery(sessionQuery);
  const locale = preferredLocale(window.location.search);
  const loaded = await loadLocale(locale);
  document.documentElement.lang = locale;
  takeAdminParams();
  const router = createBrowserRouter(createRoutes(loaded, client));
  createRoot(root).render(
    <StrictMode>
      <RouterProvider router={router} />
    </StrictMode>,
  );
}

const root = document.getElementById("root");
if (root) void start(root);
