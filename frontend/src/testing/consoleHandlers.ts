/** Answers about queues, schedules, workflows, workers and alerts that agree with the API's shapes. */
import { HttpResponse, http } from "msw";
import * as alerts from "./alertsData";
import * as operations from "./operationsData";
import * as plans from "./planData";
import * as privacy from "./privacyData";
import * as lines from "./queuesData";
import * as store from "./storeData";
import * as webhooks from "./webhooksData";

const API = "*/api/v1";
const page = <T>(items: readonly T[]) => HttpResponse.json({ items, next_cursor: null });
const none = () => new HttpResponse(null, { status: 204 });

export const consoleHandlers = [
  // Nothing is streamed, and nobody need ask again for an hour: what a test waits for is then what it asked for.
  http.get(
    `${API}/jobs/stream`,
    () => new HttpResponse("retry: 3600000\n\n", { headers: { "content-type": "text/event-stream" } }),
  ),
  http.get(`${API}/people`, () =>
    HttpResponse.json({
      items: [
        { id: "1", name: "Robin Vance" },
        { id: "21", name: "Ada Byron" },
      ],
    }),
  ),
  http.get(`${API}/customers/imports`, () => page([store.contactFile, store.contactsDone])),
  http.get(`${API}/customers/imports/:id`, ({ params }) =>
    HttpResponse.json(params.id === store.contactsDone.id ? store.contactsDone : store.contactFile),
  ),
  http.post(`${API}/customers/imports/:id/preview`, () => HttpResponse.json(store.contactPreview)),
  http.get(`${API}/customers/imports/:id/refusals`, () => page(store.contactRefusals)),
  http.get(`${API}/customers/:id`, () => HttpResponse.json(store.customer)),
  http.get(`${API}/customers/:id/store-credit/balance`, () => HttpResponse.json(store.creditBalance)),
  http.get(`${API}/customers/:id/store-credit`, () => page(store.credits)),
  http.get(`${API}/segments/of-customer/:id`, () => HttpResponse.json([])),
  http.get(`${API}/discounts`, () => page([store.discount])),
  http.get(`${API}/discounts/:id`, () => HttpResponse.json(store.discount)),
  http.get(`${API}/webhooks/topics`, () => HttpResponse.json(webhooks.topicReport)),
  http.get(`${API}/webhooks/deliveries`, () => page(webhooks.deliveries)),
  http.get(`${API}/webhooks/deliveries/:id`, () => HttpResponse.json(webhooks.delivery)),
  http.post(`${API}/webhooks/replay`, async ({ request }) => {
    const { dry_run } = (await request.json()) as { dry_run: boolean };
    return HttpResponse.json({ matched: 2, replayed: dry_run ? 0 : 2, dry_run });
  }),
  http.get(`${API}/health-strip`, () => HttpResponse.json(lines.health)),
  http.get(`${API}/queues`, () => HttpResponse.json(lines.queues)),
  http.post(`${API}/queues/:name/:action`, () => HttpResponse.json(lines.limits[0])),
  http.get(`${API}/limits`, () => HttpResponse.json(lines.limits)),
  http.put(`${API}/limits/:kind/:key`, () => HttpResponse.json(lines.limits[0])),
  http.post(`${API}/limits/job/:name/:action`, () => HttpResponse.json(lines.limits[1])),
  http.get(`${API}/schedules`, () => HttpResponse.json(plans.schedules)),
  http.get(`${API}/schedules/jobs`, () => HttpResponse.json(plans.openJobs)),
  http.post(`${API}/schedules/preview`, () => HttpResponse.json(plans.schedulePreview)),
  http.post(`${API}/schedules`, () => HttpResponse.json(plans.schedules[2], { status: 201 })),
  http.patch(`${API}/schedules/:id`, () => HttpResponse.json(plans.schedules[2])),
  http.delete(`${API}/schedules/:id`, none),
  http.post(`${API}/schedules/:id/:action`, () => HttpResponse.json(plans.schedules[0])),
  http.get(`${API}/workflows`, ({ request }) => {
    const state = new URL(request.url).searchParams.get("state");
    return page(plans.workflows.filter((row) => !state || row.state === state));
  }),
  http.get(`${API}/workflows/parts`, () => HttpResponse.json(plans.workflowParts)),
  http.post(`${API}/workflows/validate`, () => HttpResponse.json({ ok: true, errors: [] })),
  http.post(`${API}/workflows`, () =>
    HttpResponse.json({ ...plans.workflow, id: "0193-wf-new", state: "running" }, { status: 201 }),
  ),
  http.get(`${API}/workflows/:id`, () => HttpResponse.json(plans.workflow)),
  http.post(`${API}/workflows/:id/:action`, () => HttpResponse.json(plans.workflow)),
  http.get(`${API}/workers`, () => HttpResponse.json(operations.workers)),
  http.get(`${API}/workers/:name/orphans`, () => HttpResponse.json(operations.orphans)),
  http.post(`${API}/workers/:name/commands`, () =>
    HttpResponse.json({
      id: 13,
      action: "drain",
      slots: null,
      asked_by: "Kim Osei",
      asked_at: new Date().toISOString(),
      done_at: null,
      error: null,
    }),
  ),
  http.get(`${API}/circuits`, () => HttpResponse.json(operations.circuits)),
  http.post(`${API}/circuits/:host/close`, () => HttpResponse.json(operations.circuits[0])),
  http.get(`${API}/alerts/metrics`, () => HttpResponse.json(alerts.metrics)),
  http.get(`${API}/alerts/rules`, () => HttpResponse.json(alerts.rules)),
  http.post(`${API}/alerts/rules`, () => HttpResponse.json(alerts.rules[0], { status: 201 })),
  http.patch(`${API}/alerts/rules/:id`, () => HttpResponse.json(alerts.rules[0])),
  http.delete(`${API}/alerts/rules/:id`, none),
  http.post(`${API}/alerts/rules/:id/mute`, () => HttpResponse.json(alerts.rules[0])),
  http.get(`${API}/alerts/channels`, () => HttpResponse.json(alerts.channels)),
  http.post(`${API}/alerts/channels`, () =>
    HttpResponse.json({ ...alerts.channels[1], id: 3, secret: "whsec_only_once" }, { status: 201 }),
  ),
  http.delete(`${API}/alerts/channels/:id`, none),
  http.post(`${API}/alerts/channels/:id/test`, () => HttpResponse.json({ ok: true, error: null })),
  http.get(`${API}/alerts/events`, () => page(alerts.events)),
  http.get(`${API}/privacy/requests`, () => page(privacy.requests)),
  http.post(`${API}/privacy/requests`, () => HttpResponse.json(privacy.detail, { status: 202 })),
  http.get(`${API}/privacy/requests/:id`, () => HttpResponse.json(privacy.detail)),
  http.post(`${API}/privacy/requests/:id/rerun`, () => HttpResponse.json(privacy.detail, { status: 202 })),
  http.post(`${API}/privacy/requests/:id/passphrase`, () =>
    HttpResponse.json({ passphrase: "k7mqp-only-once" }),
  ),
  http.get(`${API}/privacy/retention`, () => HttpResponse.json(privacy.retention)),
  http.get(`${API}/privacy/access`, () => page(privacy.accesses)),
];
