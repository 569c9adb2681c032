import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { campaign, gate, preview } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

const PATH = "/campaigns/cmp_draft/edit";

describePage("Campaign editor", {
  path: PATH,
  api: "/campaigns/cmp_draft",
  data: "4,701 people will get it",
});

test("the audience is counted, with what is left out by reason", async () => {
  renderApp(PATH);
  const list = await screen.findByRole("list", { name: "Left out, by reason" });
  expect(list).toHaveTextContent("Not subscribed−84");
});

test("the preview is the message as a customer gets it, in a frame that runs no scripts", async () => {
  renderApp(PATH);
  const frame = await screen.findByTitle("The message as Ada Quist gets it");
  expect(frame).toHaveAttribute("sandbox", "allow-same-origin");
  expect(frame.getAttribute("srcdoc")).toContain("Come and look");
});

test("links that lead nowhere are named once they were asked", async () => {
  renderApp(PATH);
  await screen.findByText("Some links lead nowhere: https://acme.example/old");
  expect(screen.getByText("The chosen products can be bought")).toBeInTheDocument();
  expect(screen.queryByText("Asking the links whether they answer…")).toBeNull();
});

test("whoever a message may look odd to is offered before anybody is searched", async () => {
  const asked: unknown[] = [];
  const nameless = { ...preview.customer, id: "cus_nameless", name: "", email: "quiet@example.com" };
  server.use(
    http.get("*/api/v1/campaigns/cmp_draft/samples", () =>
      HttpResponse.json([{ why: "no_name", customer: nameless }]),
    ),
    http.post("*/api/v1/campaigns/cmp_draft/preview", async ({ request }) => {
      asked.push(((await request.json()) as { customer_id?: string }).customer_id);
      return HttpResponse.json({ ...preview, customer: nameless });
    }),
  );
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("combobox", { name: "As seen by" }));
  const option = await screen.findByRole("option", {
    name: "Without a name: Customer without a name · quiet@example.com",
  });
  await userEvent.click(option);
  await waitFor(() => expect(asked).toContain("cus_nameless"));
});

test("unsaved work is saved with its version and only its changes", async () => {
  const patches: unknown[] = [];
  server.use(
    http.patch("*/api/v1/campaigns/cmp_draft", async ({ request }) => {
      patches.push(await request.json());
      return HttpResponse.json({ ...campaign, name: "Winter", version: 5 });
    }),
  );
  renderApp(PATH);
  const name = await screen.findByRole("textbox", { name: "Name" });
  await userEvent.clear(name);
  await userEvent.type(name, "Winter");
  expect(screen.getByRole("button", { name: "Review and send" })).toHaveAttribute("aria-disabled", "true");
  await userEvent.click(await screen.findByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Save" })).toBeNull());
  expect(patches).toEqual([{ version: 4, name: "Winter" }]);
});

test("a newer version that changed something else is taken along without asking", async () => {
  const theirs = { ...campaign, preview_text: "Theirs", version: 9 };
  const patches: unknown[] = [];
  server.use(
    http.patch("*/api/v1/campaigns/cmp_draft", async ({ request }) => {
      const patch = (await request.json()) as { version: number };
      patches.push(patch);
      return patch.version === 9
        ? HttpResponse.json({ ...theirs, ...patch, version: 10 })
        : problem(409, { code: "version_conflict" });
    }),
  );
  renderApp(PATH);
  await userEvent.type(await screen.findByRole("textbox", { name: "Name" }), "!");
  server.use(http.get("*/api/v1/campaigns/cmp_draft", () => HttpResponse.json(theirs)));
  await userEvent.click(await screen.findByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.getByRole("textbox", { name: "Preview text" })).toHaveValue("Theirs"));
  expect(patches).toEqual([
    { version: 4, name: "Win-back, November!" },
    { version: 9, name: "Win-back, November!" },
  ]);
});

test("when both changed the same field the person chooses, and nothing is lost before", async () => {
  const theirs = { ...campaign, name: "Theirs", version: 9 };
  server.use(
    http.patch("*/api/v1/campaigns/cmp_draft", async ({ request }) => {
      const patch = (await request.json()) as { version: number };
      return patch.version === 9
        ? HttpResponse.json({ ...theirs, ...patch, version: 10 })
        : problem(409, { code: "version_conflict" });
    }),
  );
  renderApp(PATH);
  await userEvent.type(await screen.findByRole("textbox", { name: "Name" }), "!");
  server.use(http.get("*/api/v1/campaigns/cmp_draft", () => HttpResponse.json(theirs)));
  await userEvent.click(await screen.findByRole("button", { name: "Save" }));
  expect(
    await screen.findByText("You both changed: Name. Nothing is lost; choose which version stays."),
  ).toBeInTheDocument();
  expect(screen.getByRole("textbox", { name: "Name" })).toHaveValue("Win-back, November!");
  await userEvent.click(screen.getByRole("button", { name: "Keep mine" }));
  await waitFor(() => expect(screen.queryByText(/You both changed/)).toBeNull());
  expect(screen.getByRole("textbox", { name: "Name" })).toHaveValue("Win-back, November!");
});

test("an error in the source is told at its place", async () => {
  server.use(
    http.post("*/api/v1/templates/check", () =>
      HttpResponse.json({
        ok: false,
        errors: [{ field: "html", line: 3, column: 7, message: "Unknown tag" }],
        variables: [],
      }),
    ),
  );
  renderApp(PATH);
  expect(await screen.findByRole("button", { name: "Line 3, column 7" })).toBeInTheDocument();
  expect(screen.getByRole("textbox", { name: /HTML with variables/ })).toHaveAttribute(
    "aria-invalid",
    "true",
  );
});

test("sending names the number of people and confirms exactly that number", async () => {
  const orders: unknown[] = [];
  server.use(
    http.post("*/api/v1/campaigns/cmp_draft/send", async ({ request }) => {
      orders.push(await request.json());
      return HttpResponse.json({ ...campaign, state: "sending" });
    }),
  );
  const { router } = renderApp(PATH);
  await screen.findByText("4,701 people will get it");
  await userEvent.click(screen.getByRole("button", { name: "Review and send" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByText("Send to 4,701 people?")).toBeInTheDocument();
  await userEvent.click(await within(dialog).findByRole("button", { name: "Send to 4,701 people" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/campaigns/cmp_draft"));
  expect(orders).toEqual([{ confirm_recipients: 4701 }]);
});

test("a gate that is not open says why and does not send", async () => {
  server.use(
    http.get("*/api/v1/campaigns/cmp_draft/gate", () =>
      HttpResponse.json({
        ...gate,
        ready: false,
        checks: [{ code: "unsubscribe_link", level: "stop", facts: {} }],
      }),
    ),
  );
  renderApp(PATH);
  await screen.findByText("4,701 people will get it");
  await userEvent.click(screen.getByRole("button", { name: "Review and send" }));
  const dialog = await screen.findByRole("dialog");
  expect(
    await within(dialog).findByText("Add an unsubscribe link: {{ unsubscribe_url }}"),
  ).toBeInTheDocument();
  expect(within(dialog).getByRole("button", { name: "Send to 4,701 people" })).toHaveAttribute(
    "aria-disabled",
    "true",
  );
});

test("a test goes to the reader's own address and shows the mail server's answer", async () => {
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Send a test" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByRole("textbox", { name: "To" })).toHaveValue("robin@cdnow.example");
  await userEvent.click(within(dialog).getByRole("button", { name: "Send the test" }));
  expect(await within(dialog).findByText("250 2.0.0 queued")).toBeInTheDocument();
});

test("where codes come from is stored at once, and the link opens a page of the shop only", async () => {
  const patches: unknown[] = [];
  server.use(
    http.patch("*/api/v1/campaigns/cmp_draft", async ({ request }) => {
      const patch = (await request.json()) as object;
      patches.push(patch);
      return HttpResponse.json({ ...campaign, ...patch, version: 5 });
    }),
  );
  renderApp(PATH);
  const choice = await screen.findByRole("combobox", { name: "Codes come from" });
  await screen.findByRole("option", { name: "Ten percent for regulars: 818 codes left" });
  await userEvent.selectOptions(choice, "Ten percent for regulars: 818 codes left");
  const page = await screen.findByRole("textbox", { name: "The link opens" });
  await userEvent.clear(page);
  await userEvent.type(page, "//evil.example");
  await userEvent.tab();
  expect(screen.getByText("A page of the shop begins with one slash.")).toBeInTheDocument();
  await userEvent.clear(page);
  await userEvent.type(page, "/sale");
  await userEvent.tab();
  await waitFor(() => expect(patches).toHaveLength(2));
  expect(patches).toEqual([
    { version: 4, discount_id: "dsc_1" },
    { version: 5, discount_path: "/sale" },
  ]);
});
