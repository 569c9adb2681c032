import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { campaign, session } from "@/testing/data";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

const PATH = "/campaigns/cmp_draft/edit";

test("who is left out, who waits and what came back stand in the gate in words", async () => {
  renderApp(PATH);
  expect(
    await screen.findByText(
      "111 of 4,812 people (2 %) are left out. Not subscribed (84), Blocked after a bounce or complaint (19), Address is not valid (8)",
    ),
  ).toBeInTheDocument();
  expect(
    await screen.findByText(
      "More than a third would get it later: 2,310 of 4,701 people. Waits for quiet hours to end (2,300), Given up: it could not go out in time (10)",
    ),
  ).toBeInTheDocument();
  expect(screen.getByText(/^0.2 % of your messages of the last 30 days were called spam/)).toHaveTextContent(
    "(16 of 8,064). Above 0.3 % sending stops",
  );
  expect(screen.getByText("Few messages of the last 30 days came back")).toBeInTheDocument();
});

test("an image that no mail program shows keeps the button off", async () => {
  server.use(
    http.get("*/api/v1/campaigns/cmp_draft/gate/live", () =>
      HttpResponse.json([
        { code: "images", level: "ok", facts: { asked: 1, unknown: 0 } },
        { code: "image_size", level: "stop", facts: { images: { "https://a.example/b.png": 12.4 } } },
      ]),
    ),
  );
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Review and send" }));
  const dialog = await screen.findByRole("dialog");
  expect(
    await within(dialog).findByText(
      "Make these images smaller: above 10 MB mail programs do not show them. Size in MB: https://a.example/b.png (12.4)",
    ),
  ).toBeInTheDocument();
  expect(within(dialog).getByRole("button", { name: "Send to 4,701 people" })).toHaveAttribute(
    "aria-disabled",
    "true",
  );
});

test("a message is declared transactional at once, and what that means is said", async () => {
  const declared: unknown[] = [];
  server.use(
    http.put("*/api/v1/campaigns/cmp_draft/priority", async ({ request }) => {
      const given = (await request.json()) as object;
      declared.push(given);
      return HttpResponse.json({ ...campaign, ...given, version: 5 });
    }),
  );
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("radio", { name: "Transactional" }));
  expect(await screen.findByText(/also goes to people who never subscribed/)).toBeInTheDocument();
  expect(declared).toEqual([{ version: 4, priority: "transactional" }]);
});

test("who may not manage the shop neither declares nor sends a transactional message", async () => {
  server.use(
    http.get("*/api/v1/session", () =>
      HttpResponse.json({ ...session, permissions: ["read", "edit", "send"] }),
    ),
    http.get("*/api/v1/campaigns/cmp_draft", () =>
      HttpResponse.json({ ...campaign, priority: "transactional" }),
    ),
  );
  renderApp(PATH);
  expect(await screen.findByRole("radio", { name: "Marketing" })).toBeDisabled();
  expect(screen.getByRole("button", { name: "Review and send" })).toHaveAttribute("aria-disabled", "true");
});
