import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { session } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { channels, unverified, verified } from "@/testing/sendingData";
import { server } from "@/testing/server";

const PATH = "/settings/sending";

describePage("Sending", {
  path: PATH,
  api: "/sending/domains",
  data: "mail.acme.example",
  empty: { body: [], text: "No sending domain yet" },
});

test("who may not manage sees the state and is offered nothing", async () => {
  server.use(http.get("*/api/v1/session", () => HttpResponse.json({ ...session, permissions: ["read"] })));
  renderApp(PATH);
  expect(await screen.findByText("mail.acme.example")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Add a domain" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Check now: mail.acme.example" })).toBeNull();
});

test("a wrong name is told beside its field, and a right one is added", async () => {
  let sent: unknown;
  server.use(
    http.post("*/api/v1/sending/domains", async ({ request }) => {
      sent = await request.json();
      return sent && (sent as { domain: string }).domain.includes(" ")
        ? problem(422, {
            errors: [{ pointer: "/domain", message: "This is not a domain name.", code: "domain_invalid" }],
          })
        : HttpResponse.json(unverified, { status: 201 });
    }),
  );
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Add a domain" }));
  const dialog = await screen.findByRole("dialog");
  const field = within(dialog).getByRole("textbox", { name: "Domain" });
  await userEvent.type(field, "no domain");
  await userEvent.click(within(dialog).getByRole("button", { name: "Add a domain" }));
  expect(await within(dialog).findByText("This is not a domain name.")).toBeInTheDocument();
  await userEvent.clear(field);
  await userEvent.type(field, "news.acme.example");
  await userEvent.click(within(dialog).getByRole("button", { name: "Add a domain" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent).toEqual({ domain: "news.acme.example" });
});

test("a domain that waits shows what to publish; one in order keeps it folded", async () => {
  renderApp(PATH);
  expect(await screen.findByDisplayValue("_dmarc.news.acme.example")).toBeInTheDocument();
  expect(screen.getByText("There are several records; only one may stand there.")).toBeInTheDocument();
  const [first, second] = screen.getAllByRole("button", { name: "DNS records" });
  expect(first).toHaveAttribute("aria-expanded", "false");
  expect(second).toHaveAttribute("aria-expanded", "true");
});

test("checking asks now and shows what was found", async () => {
  let isFound = false;
  server.use(
    http.get("*/api/v1/sending/domains", () =>
      HttpResponse.json([isFound ? { ...unverified, state: "verified" } : unverified]),
    ),
    http.post("*/api/v1/sending/domains/dom_2/verify", () => {
      isFound = true;
      return HttpResponse.json({ ...unverified, state: "verified" });
    }),
  );
  renderApp(PATH);
  expect(await screen.findByText("Not verified")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Check now: news.acme.example" }));
  expect(await screen.findByText("Verified")).toBeInTheDocument();
});

test("new keys are made after a question", async () => {
  let isRotated = false;
  server.use(
    http.post("*/api/v1/sending/domains/dom_1/rotate", () => {
      isRotated = true;
      return HttpResponse.json({ ...verified, rotating: true });
    }),
  );
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Actions for mail.acme.example" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Make new keys" }));
  const dialog = await screen.findByRole("dialog");
  expect(isRotated).toBe(false);
  await userEvent.click(within(dialog).getByRole("button", { name: "Make new keys" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(isRotated).toBe(true);
});

test("a channel is changed without its password being known", async () => {
  let sent: unknown;
  server.use(
    http.put("*/api/v1/sending/channels/chn_1", async ({ request }) => {
      sent = await request.json();
      return HttpResponse.json(channels.channels[0]);
    }),
  );
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Actions for Our relay" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Change" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByLabelText("Password")).toHaveValue("");
  const rate = within(dialog).getByRole("spinbutton", { name: "Messages a second" });
  await userEvent.clear(rate);
  await userEvent.type(rate, "80");
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent).toEqual({
    kind: "smtp",
    title: "Our relay",
    config: {
      host: "smtp.acme.example",
      port: 587,
      security: "starttls",
      username: "news",
      region: null,
      domain: null,
      stream: null,
    },
    secret: null,
    returns_secret: null,
    connections: 4,
    per_second: 80,
    enabled: true,
  });
});

test("each kind of channel asks for what it needs", async () => {
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("button", { name: "Add a channel" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.selectOptions(within(dialog).getByRole("combobox", { name: "Kind" }), "ses");
  expect(within(dialog).getByLabelText("Secret access key")).toBeInTheDocument();
  expect(within(dialog).getByRole("textbox", { name: "Access key ID" })).toBeInTheDocument();
  expect(within(dialog).queryByRole("textbox", { name: "Server" })).toBeNull();
});

test("the order changes, and a test says why it failed", async () => {
  let order: unknown;
  let isTested = false;
  server.use(
    http.put("*/api/v1/sending/channels/order", async ({ request }) => {
      order = await request.json();
      return HttpResponse.json(channels);
    }),
    http.post("*/api/v1/sending/channels/chn_1/test", () => {
      isTested = true;
      return HttpResponse.json(channels.channels[0]);
    }),
  );
  renderApp(PATH);
  expect(await screen.findByText("Postmark answered 401 No such token.")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Actions for Spare" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Move up" }));
  await waitFor(() => expect(order).toEqual({ ids: ["chn_2", "chn_1"] }));
  await userEvent.click(screen.getByRole("button", { name: "Test connection: Our relay" }));
  await waitFor(() => expect(isTested).toBe(true));
});

test("without channels the installation's servers carry the mail", async () => {
  server.use(
    http.get("*/api/v1/sending/channels", () =>
      HttpResponse.json({ channels: [], installation_servers: 2, in_use: "installation" }),
    ),
  );
  renderApp(PATH);
  expect(await screen.findByText(/through 2 servers of this installation/)).toBeInTheDocument();
});
