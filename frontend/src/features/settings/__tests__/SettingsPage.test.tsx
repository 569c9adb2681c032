import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { settings } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

describePage("Settings", {
  path: "/settings",
  api: "/settings",
  data: "px_01jd2b9k7h",
  empty: {
    body: { ...settings, sender: { name: "", email: "", verified: false } },
    text: "The pixel is off: visits are not seen.",
  },
});

test("the pixel is switched on with one click", async () => {
  let active = false;
  server.use(
    http.get("*/api/v1/settings", () =>
      HttpResponse.json({ ...settings, pixel: { ...settings.pixel, state: active ? "active" : "inactive" } }),
    ),
    http.post("*/api/v1/settings/pixel/activate", () => {
      active = true;
      return HttpResponse.json({ ...settings.pixel, state: "active" });
    }),
  );
  renderApp("/settings");
  await userEvent.click(await screen.findByRole("button", { name: "Switch it on" }));
  expect(await screen.findByText("The pixel is on.")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Switch it on" })).toBeNull();
});

test("a refused sender is told beside its field", async () => {
  server.use(
    http.put("*/api/v1/settings/sender", () =>
      problem(422, {
        errors: [{ pointer: "/email", message: "This domain does not exist.", code: "domain" }],
      }),
    ),
  );
  renderApp("/settings");
  const email = await screen.findByRole("textbox", { name: "Sender address" });
  await userEvent.clear(email);
  await userEvent.type(email, "a@b.example");
  await userEvent.click(await screen.findByRole("button", { name: "Save" }));
  await waitFor(() => expect(email).toHaveAccessibleDescription("This domain does not exist."));
});

test("the pages speak the reader's language", async () => {
  renderApp("/settings");
  await userEvent.selectOptions(await screen.findByRole("combobox", { name: "Language" }), "de");
  expect(await screen.findByRole("heading", { name: "Einstellungen" })).toBeInTheDocument();
});

test("the page opens on what is not set up, each a way to its card", async () => {
  renderApp("/settings");
  expect(await screen.findByRole("heading", { name: "1 thing needs you" })).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "Storefront pixel" })).toHaveAttribute("href", "#pixel");
});

test("with everything set up it says so", async () => {
  server.use(
    http.get("*/api/v1/settings", () =>
      HttpResponse.json({ ...settings, pixel: { ...settings.pixel, state: "active" } }),
    ),
  );
  renderApp("/settings");
  expect(await screen.findByRole("heading", { name: "Everything is set up" })).toBeInTheDocument();
});

test("the newest synchronisation is told, and leads to all of them", async () => {
  renderApp("/settings");
  expect(await screen.findByRole("link", { name: "Open the synchronisation" })).toHaveAttribute(
    "href",
    "/settings/sync",
  );
  expect(await screen.findByText("93,649")).toBeInTheDocument();
});

test("double opt-in is stored as soon as it is chosen, and what it lacks is told beside it", async () => {
  const puts: unknown[] = [];
  server.use(
    http.put("*/api/v1/settings/double-opt-in", async ({ request }) => {
      puts.push(await request.json());
      return puts.length === 1
        ? problem(422, {
            errors: [{ pointer: "/enabled", message: "Set a sender first.", code: "sender_missing" }],
          })
        : HttpResponse.json({ ...settings, double_opt_in: true });
    }),
  );
  renderApp("/settings");
  const box = await screen.findByRole("checkbox", { name: "Ask people to confirm their subscription" });
  await userEvent.click(box);
  expect(await screen.findByText("Set a sender first.")).toBeInTheDocument();
  expect(box).not.toBeChecked();
  await userEvent.click(box);
  await waitFor(() => expect(puts).toEqual([{ enabled: true }, { enabled: true }]));
  await waitFor(() => expect(box).toBeChecked());
});
