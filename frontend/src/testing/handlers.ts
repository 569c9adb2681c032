/** A backend that agrees with the API's shapes and remembers nothing but the campaign's sending. */
import { HttpResponse, http } from "msw";
import * as access from "./accessData";
import { consoleHandlers } from "./consoleHandlers";
import * as data from "./data";
import * as sending from "./sendingData";
import { taskHandlers } from "./taskHandlers";

const API = "*/api/v1";
const page = <T>(items: readonly T[]) => HttpResponse.json({ items, next_cursor: null });

let sendingSince = Date.now();

/** Moves while it is watched, so that a live page can be seen to be live. */
function liveReport() {
  const done = Math.floor((Date.now() - sendingSince) / 40) % 1_905;
  return {
    ...data.report,
    state: done < 1_904 ? "sending" : "sent",
    counts: {
      ...data.report.counts,
      audience: 1_904,
      excluded: 0,
      accepted: done,
      pending: 1_904 - done,
      failed: 0,
      unknown: 0,
    },
    funnel: data.report.funnel.map((step, index) => ({
      ...step,
      people: Math.round(done * ([1, 0.3, 0.06, 0.01][index] ?? 0)),
    })),
    opens: { human: Math.round(done * 0.4), machine: Math.round(done * 0.1) },
    clicks: { human: Math.round(done * 0.07), machine: 3 },
    waiting: [
      { reason: "test", count: 6_496, next_at: null },
      { reason: "quiet_hours", count: 212, next_at: data.ago(-9 * 3_600_000) },
    ],
    exclusions: [],
    errors: [],
    orders: Math.round(done * 0.01),
    revenue: data.money(Math.round(done * 0.01) * 7_990),
    rate_per_s: 25,
    eta_s: (1_904 - done) / 25,
  };
}

export function problem(status: number, fields: Record<string, unknown> = {}) {
  return HttpResponse.json(
    {
      type: "about:blank",
      title: "Not possible",
      status,
      detail: "It did not work.",
      code: "test_problem",
      request_id: "req_test_123",
      errors: [],
      ...fields,
    },
    { status, headers: { "content-type": "application/problem+json" } },
  );
}

export const handlers = [
  http.get(`${API}/session`, () => HttpResponse.json(data.session)),
  http.delete(`${API}/sessions`, () => new HttpResponse(null, { status: 204 })),
  http.get(`${API}/sending/domains`, () => HttpResponse.json(sending.domains)),
  http.get(`${API}/suppressions`, () => HttpResponse.json(sending.suppressions)),
  http.get(`${API}/topics`, () => HttpResponse.json({ topics: sending.topics })),
  http.get(`${API}/sending/channels`, () => HttpResponse.json(sending.channels)),
  http.get(`${API}/members`, () => HttpResponse.json(access.members)),
  http.get(`${API}/api-keys`, () => page(access.apiKeys)),
  http.post(`${API}/api-keys`, () => HttpResponse.json(access.newKey, { status: 201 })),
  http.get(`${API}/home`, () => HttpResponse.json(data.home)),
  http.get(`${API}/syncs/reconciliations`, () =>
    HttpResponse.json({ items: [data.reconciliation], next_cursor: null }),
  ),
  http.get(`${API}/syncs`, () => page([data.syncRun])),
  http.post(`${API}/syncs`, () => HttpResponse.json(data.runningSync, { status: 202 })),
  http.get(`${API}/segments`, () => page(data.segments)),
  http.get(`${API}/segments/fields`, () => HttpResponse.json({ groups: data.fieldGroups })),
  http.post(`${API}/segments/preview`, () =>
    HttpResponse.json({ count: 4_812, total: 23_570, sample: data.customers, took_ms: 41, unread: [] }),
  ),
  http.get(`${API}/segments/choices`, ({ request }) => {
    const asked = new URL(request.url).searchParams;
    const names = { campaign: "Winter sale", product: "Blue mug", list: "Guests of the fair" };
    const kind = asked.get("kind") as keyof typeof names;
    const items = kind in names ? [{ id: `${kind}-1`, name: names[kind] }] : [];
    return HttpResponse.json({ items });
  }),
  http.get(`${API}/segments/lists`, () => page(data.customerLists)),
  http.get(`${API}/segments/lists/:id/refusals`, () =>
    page([
      { line: 7, reason: "unknown_customer" },
      { line: 9, reason: "broken_address" },
    ]),
  ),
  http.get(`${API}/segments/:id/sizes`, () => HttpResponse.json({ items: [] })),
  http.post(`${API}/segments`, async ({ request }) => {
    const draft = (await request.json()) as object;
    return HttpResponse.json({ ...data.segments[0], ...draft, id: "seg_new" }, { status: 201 });
  }),
  http.get(`${API}/segments/:id`, ({ params }) => {
    const found = data.segments.find((segment) => segment.id === params.id);
    return HttpResponse.json(found ?? { ...data.segments[0], id: params.id });
  }),
  http.put(`${API}/segments/:id`, async ({ request }) => {
    const draft = (await request.json()) as object;
    return HttpResponse.json({ ...data.segments[0], ...draft });
  }),
  http.delete(`${API}/segments/:id`, () => new HttpResponse(null, { status: 204 })),
  http.get(`${API}/micro-segments`, () => HttpResponse.json(data.suggested)),
  http.post(`${API}/micro-segments/:id/adopt`, async ({ params, request }) => {
    const { name } = (await request.json()) as { name: string };
    const rules = data.suggested.items.find((item) => item.id === params.id)?.rules;
    return HttpResponse.json({ ...data.segments[0], id: "seg_new", name, rules }, { status: 201 });
  }),
  http.get(`${API}/customers`, () => page(data.customers)),
  http.get(`${API}/templates`, () => HttpResponse.json(data.templates)),
  http.get(`${API}/templates/saved`, () => HttpResponse.json(data.savedTemplates)),
  http.post(`${API}/templates/saved`, async ({ request }) => {
    const kept = (await request.json()) as object;
    return HttpResponse.json({ ...data.savedTemplates[0], ...kept, id: "tpl_new" }, { status: 201 });
  }),
  http.get(`${API}/templates/saved/:id/picture`, ({ params }) =>
    HttpResponse.json({ html: data.savedTemplates.find(({ id }) => id === params.id)?.html ?? "" }),
  ),
  http.get(`${API}/templates/saved/:id`, ({ params }) =>
    HttpResponse.json(data.savedTemplates.find(({ id }) => id === params.id)),
  ),
  http.patch(`${API}/templates/saved/:id`, async ({ params, request }) => {
    const changes = (await request.json()) as { version: number };
    const found = data.savedTemplates.find(({ id }) => id === params.id);
    return HttpResponse.json({ ...found, ...changes, version: changes.version + 1 });
  }),
  http.delete(`${API}/templates/saved/:id`, () => new HttpResponse(null, { status: 204 })),
  http.get(`${API}/brand`, () => HttpResponse.json(data.look)),
  http.put(`${API}/brand`, async ({ request }) => HttpResponse.json((await request.json()) as object)),
  http.post(`${API}/brand/picture`, async ({ request }) => {
    const { accent, address } = (await request.json()) as { accent: string; address: string | null };
    const picture = data.templates[0]?.picture.replaceAll("#b23f28", accent) ?? "";
    return HttpResponse.json({ html: picture.replace("{{ shop.name }}", address ?? "") });
  }),
  http.get(`${API}/products`, ({ request }) => {
    const params = new URL(request.url).searchParams;
    const search = params.get("search")?.toLowerCase() ?? "";
    const gids = params.getAll("gid");
    return page(
      data.products.filter(
        ({ gid, title }) => title.toLowerCase().includes(search) && (gids.length === 0 || gids.includes(gid)),
      ),
    );
  }),
  http.post(`${API}/templates/check`, async ({ request }) => {
    const { html } = (await request.json()) as { html: string };
    const line = html.split("\n").findIndex((one) => one.includes("{{ }}")) + 1;
    const errors = line > 0 ? [{ field: "html", line, column: 4, message: "Expected an expression" }] : [];
    return HttpResponse.json({ ok: errors.length === 0, errors, variables: ["customer.first_name"] });
  }),
  http.get(`${API}/campaigns`, ({ request }) => {
    const state = new URL(request.url).searchParams.get("state");
    return page(data.campaignRows.filter((row) => !state || row.state === state));
  }),
  http.post(`${API}/campaigns`, () => HttpResponse.json(data.campaign, { status: 201 })),
  http.get(`${API}/campaigns/:id`, ({ params }) => {
    if (params.id === "cmp_draft") return HttpResponse.json(data.campaign);
    if (params.id === "cmp_design") return HttpResponse.json(data.designCampaign);
    if (params.id === "cmp_live") {
      return HttpResponse.json({
        ...data.sentCampaign,
        id: "cmp_live",
        name: "Best customers first",
        tested: true,
        state: "sending",
      });
    }
    return HttpResponse.json(data.sentCampaign);
  }),
  http.patch(`${API}/campaigns/:id`, async ({ request }) => {
    const patch = (await request.json()) as { version: number };
    return HttpResponse.json({ ...data.campaign, ...patch, version: patch.version + 1 });
  }),
  http.put(`${API}/campaigns/:id/priority`, async ({ request }) => {
    const given = (await request.json()) as { version: number; priority: string };
    return HttpResponse.json({ ...data.campaign, ...given, version: given.version + 1 });
  }),
  http.delete(`${API}/campaigns/:id`, () => new HttpResponse(null, { status: 204 })),
  http.post(`${API}/campaigns/:id/preview`, () => HttpResponse.json(data.preview)),
  http.get(`${API}/campaigns/:id/audience`, () => HttpResponse.json(data.audience)),
  http.get(`${API}/campaigns/:id/gate`, () => HttpResponse.json(data.gate)),
  http.get(`${API}/campaigns/:id/gate/live`, () => HttpResponse.json(data.liveGate)),
  http.post(`${API}/campaigns/:id/test`, () =>
    HttpResponse.json({ accepted: true, reply: "250 2.0.0 queued" }),
  ),
  http.post(`${API}/campaigns/:id/send`, () => {
    sendingSince = Date.now();
    return HttpResponse.json({ ...data.campaign, state: "sending" });
  }),
  http.post(`${API}/campaigns/:id/:transition`, ({ params }) => {
    const states: Record<string, string> = {
      pause: "paused",
      resume: "sending",
      cancel: "cancelled",
      duplicate: "draft",
    };
    return HttpResponse.json({ ...data.campaign, state: states[String(params.transition)] });
  }),
  http.get(`${API}/campaigns/:id/report`, ({ params }) =>
    HttpResponse.json(params.id === "cmp_live" ? liveReport() : data.report),
  ),
  http.get(`${API}/campaigns/:id/variants`, () =>
    HttpResponse.json({ test: null, versions: [], languages: [] }),
  ),
  http.get(`${API}/campaigns/:id/test-result`, () => HttpResponse.json(data.testResult)),
  http.get(`${API}/contact-policy`, () => HttpResponse.json(data.contactPolicy)),
  http.get(`${API}/campaigns/:id/report/versions`, () => HttpResponse.json([])),
  http.get(`${API}/campaigns/:id/report/deliverability`, () => HttpResponse.json(data.deliverability)),
  http.get(`${API}/campaigns/:id/report/message`, () => HttpResponse.json(data.heatMessage)),
  http.get(`${API}/campaigns/:id/report/export`, () => HttpResponse.text("section,item,metric,value\r\n")),
  http.get(`${API}/campaigns/:id/recipients`, ({ request }) => {
    const q = new URL(request.url).searchParams.get("q") ?? "";
    return page(data.recipients.filter((row) => row.customer.email?.startsWith(q)));
  }),
  http.get(`${API}/campaigns/:id/recipients/export`, () => HttpResponse.text("customer_id,email\r\n")),
  http.get(`${API}/campaigns/:id/recipients/:customer`, () => HttpResponse.json(data.story)),
  http.get(`${API}/campaign-comparison`, ({ request }) =>
    HttpResponse.json(data.comparisonOf(new URL(request.url).searchParams.getAll("campaign_id"))),
  ),
  http.get(`${API}/analytics/overview`, () => HttpResponse.json(data.overview)),
  ...consoleHandlers,
  ...taskHandlers,
  http.get(`${API}/settings`, () => HttpResponse.json(data.settings)),
  http.get(`${API}/settings/scopes`, () => HttpResponse.json(data.featureList)),
  http.get(`${API}/session/shops`, () => HttpResponse.json(data.ownShops)),
  http.put(`${API}/settings/sender`, () => HttpResponse.json(data.settings.sender)),
  http.post(`${API}/settings/pixel/activate`, () =>
    HttpResponse.json({ ...data.settings.pixel, state: "active" }),
  ),
];
