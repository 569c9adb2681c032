import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { campaign, preview, sentCampaign, testResult } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

const EDITOR = "/campaigns/cmp_draft/edit";
const REPORT = "/campaigns/cmp_live";

test("a version is added, refused beside its field, and saved with its test", async () => {
  const puts: unknown[] = [];
  server.use(
    http.put("*/api/v1/campaigns/cmp_draft/variants", async ({ request }) => {
      puts.push(await request.json());
      return puts.length === 1
        ? problem(422, {
            code: "invalid",
            errors: [{ pointer: "/versions/0/subject", message: "Line 1: no.", code: "template_fault" }],
          })
        : HttpResponse.json({ ...campaign, tested: true, version: 5 });
    }),
  );
  renderApp(EDITOR);
  await userEvent.click(await screen.findByRole("button", { name: "Add a version" }));
  await userEvent.click(screen.getByRole("button", { name: "Save versions" }));
  expect(await screen.findByText("Line 1: no.")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Save versions" }));
  await waitFor(() => expect(puts).toHaveLength(2));
  expect(puts[1]).toMatchObject({
    version: 4,
    test: { metric: "clicks", share_percent: 20, wait_hours: 4, weight: 1 },
    versions: [{ subject: campaign.subject, weight: 1, html: null }],
  });
});

test("how it is spread over time is saved, and a missing number told beside its field", async () => {
  const patches: unknown[] = [];
  server.use(
    http.patch("*/api/v1/campaigns/cmp_draft", async ({ request }) => {
      patches.push(await request.json());
      return problem(422, {
        code: "invalid",
        errors: [{ pointer: "/pacing/batches", message: "Enter a number.", code: "pacing_incomplete" }],
      });
    }),
  );
  renderApp(EDITOR);
  await userEvent.click(await screen.findByRole("radio", { name: "In batches" }));
  await userEvent.clear(screen.getByRole("spinbutton", { name: "Batches" }));
  await userEvent.click(screen.getByRole("button", { name: "Save timing" }));
  expect((await screen.findAllByText("Enter a number.")).length).toBeGreaterThan(0);
  expect(patches).toEqual([
    { version: 4, pacing: { ...campaign.pacing, mode: "batches", batches: null, every_minutes: 60 } },
  ]);
});

test("a test without significance says how many more are needed, and a person may choose all the same", async () => {
  const picks: unknown[] = [];
  server.use(
    http.post("*/api/v1/campaigns/cmp_live/winner", async ({ request }) => {
      picks.push(await request.json());
      return HttpResponse.json({
        ...sentCampaign,
        id: "cmp_live",
        state: "sending",
        tested: true,
        winner: 0,
      });
    }),
  );
  renderApp(REPORT);
  expect(
    await screen.findByText(
      "No winner yet: version B is ahead, but about 5,310 more recipients are needed to be sure.",
    ),
  ).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Send A to the rest" }));
  const dialog = await screen.findByRole("dialog");
  expect(dialog).toHaveTextContent("the difference may be chance");
  await userEvent.click(within(dialog).getByRole("button", { name: "Send A to the rest" }));
  await waitFor(() => expect(picks).toEqual([{ number: 0 }]));
});

test("a winner is named as such, and nobody can choose again", async () => {
  server.use(
    http.get("*/api/v1/campaigns/cmp_live/test-result", () =>
      HttpResponse.json({
        ...testResult,
        phase: "decided",
        winner: 1,
        winner_by: "significance",
        waiting: 0,
      }),
    ),
  );
  renderApp(REPORT);
  expect(await screen.findByText("Version B has won.")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: /to the rest/ })).toBeNull();
});

test("what is put off says why and until when", async () => {
  renderApp(REPORT);
  expect(await screen.findByText("Waits for the winner of the test")).toBeInTheDocument();
  expect(screen.getByText(/Quiet hours where they live/)).toHaveTextContent("next ");
});

test("non-openers get a draft of their own", async () => {
  const asked: unknown[] = [];
  server.use(
    http.post("*/api/v1/campaigns/cmp_sent/follow-up", async ({ request }) => {
      asked.push(await request.json());
      return HttpResponse.json(campaign, { status: 201 });
    }),
  );
  const { router } = renderApp("/campaigns/cmp_sent");
  await userEvent.click(await screen.findByRole("button", { name: "More actions" }));
  await userEvent.click(await screen.findByRole("button", { name: "Send again to non-openers" }));
  await waitFor(() => expect(router.state.location.pathname).toBe(EDITOR));
  expect(asked).toEqual([{ kind: "non_openers" }]);
});

const GERMAN = {
  number: 5,
  locale: "de",
  subject: "Hallo",
  preview_text: null,
  from_name: "Das Acme",
  html: null,
  mjml: null,
};
const STORED = {
  test: { metric: "clicks", share_percent: 20, wait_hours: 4, weight: 1 },
  versions: [
    {
      ...GERMAN,
      number: 1,
      locale: undefined,
      subject: "Second",
      from_name: null,
      weight: 1,
      delay_minutes: 0,
    },
  ],
  languages: [GERMAN],
};

test("a language is added, shown while it is written, refused beside its field, and saved", async () => {
  const puts: unknown[] = [];
  const previews: unknown[] = [];
  server.use(
    http.put("*/api/v1/campaigns/cmp_draft/languages", async ({ request }) => {
      puts.push(await request.json());
      return puts.length === 1
        ? problem(422, {
            code: "invalid",
            errors: [
              { pointer: "/languages/0/subject", message: "Write its subject.", code: "version_same" },
            ],
          })
        : HttpResponse.json({ ...campaign, version: 5 });
    }),
    http.post("*/api/v1/campaigns/cmp_draft/preview", async ({ request }) => {
      previews.push(await request.json());
      return HttpResponse.json({ ...preview, subject: "Shown" });
    }),
  );
  renderApp(EDITOR);
  const adding = await screen.findByRole("combobox", { name: "Add a language" });
  await userEvent.selectOptions(adding, "Brazilian Portuguese");
  await userEvent.click(screen.getByRole("button", { name: "Save languages" }));
  expect(await screen.findByText("Write its subject.")).toBeInTheDocument();
  await userEvent.type(screen.getAllByRole("textbox", { name: "Subject" })[1] as HTMLElement, "Oi");
  await waitFor(() => expect(previews.at(-1)).toMatchObject({ version: 0, subject: "Oi" }));
  expect(screen.getByRole("combobox", { name: "Version" })).toHaveDisplayValue("Brazilian Portuguese");
  await userEvent.click(screen.getByRole("button", { name: "Save languages" }));
  await waitFor(() => expect(puts).toHaveLength(2));
  expect(puts[1]).toMatchObject({ version: 4, languages: [{ locale: "pt-BR", subject: "Oi", html: null }] });
});

test("the preview and the test mail show the version that is chosen", async () => {
  const previews: Record<string, unknown>[] = [];
  const tests: unknown[] = [];
  server.use(
    http.get("*/api/v1/campaigns/cmp_draft/variants", () => HttpResponse.json(STORED)),
    http.post("*/api/v1/campaigns/cmp_draft/preview", async ({ request }) => {
      const asked = (await request.json()) as Record<string, unknown>;
      previews.push(asked);
      const version = asked.version ?? 0;
      return HttpResponse.json({ ...preview, version, from_name: version === 5 ? "Das Acme" : "Acme" });
    }),
    http.post("*/api/v1/campaigns/cmp_draft/test", async ({ request }) => {
      tests.push(await request.json());
      return HttpResponse.json({ accepted: true, reply: "250 ok" });
    }),
  );
  renderApp(EDITOR);
  const choice = await screen.findByRole("combobox", { name: "Version" });
  expect(choice).toHaveDisplayValue("Their language");
  await waitFor(() => expect(previews.at(-1)).not.toHaveProperty("version"));
  await userEvent.selectOptions(choice, "German");
  expect(await screen.findByText("Das Acme", { selector: "span" })).toBeInTheDocument();
  expect(previews.at(-1)).toMatchObject({ version: 5, subject: "Hallo" });
  await userEvent.click(screen.getByRole("button", { name: "Send a test" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.selectOptions(within(dialog).getByRole("combobox", { name: "Version" }), "German");
  await userEvent.click(within(dialog).getByRole("button", { name: "Send the test" }));
  await waitFor(() => expect(tests).toMatchObject([{ version: 5 }]));
});

test("a report tells the versions apart", async () => {
  const figures = {
    recipients: 100,
    sent: 100,
    delivered: 98,
    opened: 40,
    clicked: 12,
    only_machine_opened: 7,
    ordered: 3,
    orders: 3,
    unsubscribed: 1,
    bounced: 2,
    complained: 0,
    revenue: { amount_minor: 12_345, currency: "USD" },
  };
  server.use(
    http.get("*/api/v1/campaigns/cmp_live/report/versions", () =>
      HttpResponse.json([
        { number: 0, locale: null, subject: "Own", from_name: "Acme", ...figures },
        { number: 5, locale: "de", subject: "Hallo", from_name: "Acme", ...figures, clicked: 30 },
      ]),
    ),
  );
  renderApp(REPORT);
  const table = await screen.findByRole("table", { name: "What each version brought" });
  expect(within(table).getByText("The campaign's own")).toBeInTheDocument();
  const german = within(table).getByRole("row", { name: /German/ });
  expect(german).toHaveTextContent("Hallo");
  expect(german).toHaveTextContent("30% (30)");
  expect(german).toHaveTextContent("$123.45");
  expect(screen.getByText(/For 14 recipients only a machine opened it/)).toBeInTheDocument();
});
