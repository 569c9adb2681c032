import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { look } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

describePage("Look of the messages", { path: "/settings/look", api: "/brand", data: "Accent colour" });

async function type(label: string, text: string) {
  const field = await screen.findByRole("textbox", { name: label });
  await userEvent.clear(field);
  await userEvent.type(field, text);
  return field;
}

test("the whole look is saved, and the sample beside it shows what was typed", async () => {
  const sent: unknown[] = [];
  server.use(
    http.put("*/api/v1/brand", async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json(sent[0] as object);
    }),
  );
  renderApp("/settings/look");
  await type("Accent colour", "#00AA11");
  await waitFor(() =>
    expect(screen.getByTitle("A message in this look").getAttribute("srcdoc")).toContain("#00aa11"),
  );
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Save" })).toBeNull());
  expect(sent).toEqual([{ ...look, accent: "#00aa11" }]);
});

test("a refused logo is told beside its field, and nothing that was typed is lost", async () => {
  server.use(
    http.put("*/api/v1/brand", () =>
      problem(422, { errors: [{ pointer: "/logo_url", message: "Not an https address.", code: "pattern" }] }),
    ),
  );
  renderApp("/settings/look");
  const logo = await type("Address of the logo", "http://cdn.example/logo.png");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(logo).toHaveAccessibleDescription(/Not an https address\./));
  expect(logo).toHaveValue("http://cdn.example/logo.png");
});

test("a colour that is none is not sent", async () => {
  renderApp("/settings/look");
  const accent = await type("Accent colour", "red");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(accent).toHaveAccessibleDescription(/Enter a colour such as #4b2fd6\./));
});

test("the settings lead there", async () => {
  renderApp("/settings");
  expect(await screen.findByRole("link", { name: "Change the look" })).toHaveAttribute(
    "href",
    "/settings/look",
  );
});
