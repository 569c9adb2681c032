import polaris from "@shopify/polaris/locales/en.json";
import { render } from "@testing-library/react";
import { createMemoryRouter, RouterProvider } from "react-router";
import { createQueryClient } from "@/app/queryClient";
import { createRoutes } from "@/app/routes";
import { en } from "@/i18n/en";

/** The whole app at an address, as the browser would show it, against the mock backend. */
export function renderApp(path: string) {
  const client = createQueryClient();
  client.setDefaultOptions({
    queries: { ...client.getDefaultOptions().queries, retry: false, gcTime: Number.POSITIVE_INFINITY },
  });
  const router = createMemoryRouter(createRoutes({ locale: "en", messages: en, polaris }, client), {
    initialEntries: [path],
  });
  return { router, client, ...render(<RouterProvider router={router} />) };
}
