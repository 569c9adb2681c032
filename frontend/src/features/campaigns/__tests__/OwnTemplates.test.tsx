import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { campaign, savedTemplates } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

const GALLERY = "/campaigns/new";
const EDITOR = "/campaigns/cmp_draft/edit";

async function menu(item: string) {
  await userEvent.click(await screen.findByRole("button", { name: "More for Our letter" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: item }));
  return screen.findByRole("dialog");
}

test("a campaign starts from the shop's own template, and blocks are none", async () => {
  const made: unknown[] = [];
  server.use(
    http.post("*/api/v1/campaigns", async ({ request }) => {
      made.push(await request.json());
      return HttpResponse.json(campaign, { status: 201 });
    }),
  );
  const { router } = renderApp(GALLERY);
  expect(await screen.findByTitle("The template Our letter")).toBeInTheDocument();
  expect(screen.queryByText("Signature")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Use this template: Our letter" }));
  await waitFor(() => expect(router.state.location.pathname).toBe(EDITOR));
  expect(made).toMatchObject([{ template_key: "tpl_letter" }]);
});

test("a category filters the gallery from the address bar", async () => {
  const { router } = renderApp(`${GALLERY}?category=promotion`);
  expect(await screen.findByTitle("The template Sale")).toBeInTheDocument();
  expect(screen.queryByTitle("The template Win-back")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: /^Retention/ }));
  expect(await screen.findByTitle("The template Win-back")).toBeInTheDocument();
  expect(router.state.location.search).toBe("?category=retention");
});

test("a rename that met a newer version says so and then replaces that one", async () => {
  const sent: unknown[] = [];
  let stored = 2;
  server.use(
    http.get("*/api/v1/templates/saved", () =>
      HttpResponse.json(savedTemplates.map((row) => ({ ...row, version: stored }))),
    ),
    http.patch("*/api/v1/templates/saved/tpl_letter", async ({ request }) => {
      const changes = (await request.json()) as { version: number };
      sent.push(changes);
      if (changes.version === 3) return HttpResponse.json({ ...savedTemplates[0], ...changes });
      stored = 3;
      return problem(409, { code: "version_conflict" });
    }),
  );
  renderApp(GALLERY);
  const dialog = await menu("Rename");
  await userEvent.type(within(dialog).getByRole("textbox", { name: "Name" }), "!");
  await userEvent.click(within(dialog).getByRole("button", { name: "Rename" }));
  expect(await within(dialog).findByText(/Someone else changed this template/)).toBeInTheDocument();
  await userEvent.click(within(dialog).getByRole("button", { name: "Rename" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent).toEqual([
    { version: 2, name: "Our letter!" },
    { version: 3, name: "Our letter!" },
  ]);
});

test("a template is deleted only after the question that names it", async () => {
  const deleted: unknown[] = [];
  server.use(
    http.delete("*/api/v1/templates/saved/:id", ({ params }) => {
      deleted.push(params.id);
      return new HttpResponse(null, { status: 204 });
    }),
  );
  renderApp(GALLERY);
  const dialog = await menu("Delete");
  expect(within(dialog).getByText("Delete the template Our letter?")).toBeInTheDocument();
  expect(deleted).toEqual([]);
  await userEvent.click(within(dialog).getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(deleted).toEqual(["tpl_letter"]));
});

test("the message is kept as a template, and a name that is taken is told beside it", async () => {
  const kept: unknown[] = [];
  server.use(
    http.post("*/api/v1/templates/saved", async ({ request }) => {
      const body = (await request.json()) as { name: string };
      kept.push(body);
      return body.name === "Letter"
        ? HttpResponse.json({ ...savedTemplates[0], ...body }, { status: 201 })
        : problem(409, { code: "template_name_taken", title: "Another template has this name" });
    }),
  );
  renderApp(EDITOR);
  await userEvent.click(await screen.findByRole("button", { name: "Save as template" }));
  const dialog = await screen.findByRole("dialog");
  const name = within(dialog).getByRole("textbox", { name: "Name" });
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(name).toHaveAccessibleDescription("Another template has this name"));
  await userEvent.clear(name);
  await userEvent.type(name, "Letter");
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(kept.at(-1)).toEqual({
    kind: "template",
    name: "Letter",
    subject: campaign.subject,
    preview_text: campaign.preview_text,
    html: campaign.html,
  });
});

test("a kept template is replaced with its version", async () => {
  const sent: unknown[] = [];
  server.use(
    http.patch("*/api/v1/templates/saved/tpl_letter", async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json({ ...savedTemplates[0], version: 3 });
    }),
  );
  renderApp(EDITOR);
  await userEvent.click(await screen.findByRole("button", { name: "Save as template" }));
  const dialog = await screen.findByRole("dialog");
  await within(dialog).findByRole("option", { name: "In place of Our letter" });
  await userEvent.selectOptions(within(dialog).getByRole("combobox"), "In place of Our letter");
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(sent).toMatchObject([{ version: 2, name: "Our letter", html: campaign.html }]));
});

test("a saved block is inserted into the source", async () => {
  renderApp(EDITOR);
  await userEvent.click(await screen.findByRole("button", { name: "Insert block" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Signature" }));
  const source = screen.getByRole<HTMLTextAreaElement>("textbox", { name: /HTML with variables/ });
  await waitFor(() => expect(source.value).toMatch(/<p>Yours, Robin<\/p>\s*<\/body>/));
});

test("a message that shows chosen products asks for them and stores them at once", async () => {
  const patches: unknown[] = [];
  server.use(
    http.patch("*/api/v1/campaigns/cmp_draft", async ({ request }) => {
      const patch = (await request.json()) as { version: number };
      patches.push(patch);
      return HttpResponse.json({ ...campaign, ...patch, version: patch.version + 1 });
    }),
  );
  renderApp(EDITOR);
  await userEvent.click(await screen.findByRole("button", { name: "Insert block" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Products you choose" }));
  await userEvent.click(await screen.findByRole("button", { name: "Choose products" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.click(await within(dialog).findByRole("checkbox", { name: /^Time Out/ }));
  await userEvent.click(within(dialog).getByRole("checkbox", { name: /^Kind of Blue/ }));
  await userEvent.click(within(dialog).getByRole("button", { name: "Use these" }));
  expect(await screen.findByRole("button", { name: "Move Kind of Blue up" })).toBeInTheDocument();
  expect(patches).toEqual([
    { version: 4, product_gids: ["gid://shopify/Product/3", "gid://shopify/Product/1"] },
  ]);
});
