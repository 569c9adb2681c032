/** Answers about tasks that agree with the API's shapes; nothing is remembered. */
import { delay, HttpResponse, http } from "msw";
import * as more from "./consoleData";
import * as data from "./tasksData";

const API = "*/api/v1";
const page = <T>(items: readonly T[]) => HttpResponse.json({ items, next_cursor: null });
const SUGGESTIONS = [
  { text: "shop:", kind: "qualifier", hint: "shop:acme.myshopify.com" },
  { text: "error:", kind: "qualifier", hint: "error:timeout" },
  { text: "shop:cdnow.myshopify.com", kind: "shop", hint: "" },
  { text: "name:sync.import", kind: "name", hint: "jobs.sync.import" },
];

export const taskHandlers = [
  http.get(`${API}/jobs/summary`, () => HttpResponse.json(data.jobsSummary)),
  http.get(`${API}/jobs/count`, () => HttpResponse.json({ count: 3_214, capped: false })),
  http.get(`${API}/jobs/suggest`, ({ request }) => {
    const q = new URL(request.url).searchParams.get("q") ?? "";
    return HttpResponse.json({ items: SUGGESTIONS.filter(({ text }) => text.startsWith(q)) });
  }),
  http.get(`${API}/jobs/figures`, () => HttpResponse.json(more.figures)),
  http.get(`${API}/jobs/series`, () => HttpResponse.json(more.series)),
  // It stays silent: a test that wants news brings its own.
  http.get(`${API}/jobs/stream`, () => delay("infinite")),
  http.get(`${API}/health-strip`, () => HttpResponse.json({ items: [] })),
  http.get(`${API}/jobs`, ({ request }) => {
    const state = new URL(request.url).searchParams.get("state");
    return page(data.runs.filter((run) => !state || run.state === state));
  }),
  http.post(`${API}/jobs/bulk`, async ({ request }) => {
    const { cap, dry_run } = (await request.json()) as { cap: number; dry_run: boolean };
    const acting = Math.min(cap, 3_214);
    return HttpResponse.json({ matched: 3_214, capped: false, acting, job_id: dry_run ? null : "0193-bulk" });
  }),
  http.get(`${API}/jobs/:id`, () => HttpResponse.json(data.jobDetail)),
  http.get(`${API}/jobs/:id/logs`, () => page(data.logs)),
  http.get(`${API}/jobs/:id/family`, () => HttpResponse.json(data.family)),
  http.post(`${API}/jobs/:id/:action`, () =>
    HttpResponse.json({ ...data.jobDetail, id: "0193-z", state: "queued" }),
  ),
  http.get(`${API}/dead-letters`, () => page(more.deadGroups)),
  http.get(`${API}/dead-letters/:fingerprint`, () => HttpResponse.json(more.deadGroup)),
  http.post(`${API}/dead-letters/:fingerprint/notes`, () =>
    HttpResponse.json(more.deadGroup.note_list[0], { status: 201 }),
  ),
  http.post(`${API}/dead-letters/:fingerprint/:action`, async ({ request }) => {
    const { cap, dry_run } = (await request.json()) as { cap: number; dry_run: boolean };
    const acting = Math.min(cap, 3_214);
    return HttpResponse.json({ matched: 3_214, capped: false, acting, job_id: dry_run ? null : "0193-bulk" });
  }),
  http.get(`${API}/tasks`, () => HttpResponse.json(more.tasks)),
];
