/** Runs of a made-up platform, as operators see them. */
import type { Family, JobDetail, JobLogLine, JobRun } from "@/lib/api/jobTypes";
import type { JobsSummary, Session } from "@/lib/api/types";
import { ago, session } from "./data";

export const operator: Session = {
  ...session,
  user: { id: "1", name: "Kim Osei", email: "kim@storecast.example", role: "operator" },
  permissions: ["read", "edit", "send", "operate", "manage"],
};

export const FINGERPRINT = "9f2c41d07be81a35";

export const run = (fields: Partial<JobRun> & Pick<JobRun, "id" | "name" | "state">): JobRun => ({
  title_key: fields.name,
  queue: "default",
  priority: 5,
  attempt: 1,
  max_attempts: 8,
  enqueued_at: ago(90_000),
  run_at: ago(90_000),
  started_at: ago(88_000),
  finished_at: ago(60_000),
  wait_ms: 18,
  run_ms: 412,
  usual_run_ms: 900,
  worker: "default@demo/4121",
  error: null,
  error_class: null,
  fingerprint: null,
  progress: null,
  shop_domain: "cdnow.myshopify.com",
  request_id: null,
  args: { shop_id: 1 },
  tags: [],
  parent_id: null,
  root_id: null,
  batch_id: null,
  retried_as: null,
  discarded_at: null,
  ...fields,
});

const waiting = { started_at: null, finished_at: null, wait_ms: null, run_ms: null, worker: null };

export const runs: JobRun[] = [
  run({
    id: "0193-f",
    name: "campaigns.send_batch",
    state: "running",
    queue: "bulk",
    priority: 3,
    started_at: ago(42_000),
    finished_at: null,
    run_ms: null,
    usual_run_ms: 65_000,
    worker: "bulk@demo/4711",
    progress: { done: 1_210, total: 1_904, note: "" },
  }),
  run({
    id: "0193-e",
    name: "sync.import",
    state: "running",
    queue: "sync",
    shop_domain: "green-apples.myshopify.com",
    started_at: ago(95_000),
    finished_at: null,
    run_ms: null,
    usual_run_ms: 38_000,
    worker: "sync@demo/4802",
  }),
  run({
    id: "0193-d",
    name: "messaging.write_consent",
    state: "retrying",
    attempt: 3,
    ...waiting,
    run_at: new Date(Date.now() + 40_000).toISOString(),
    error: "Shopify answered THROTTLED; tries again in 40 s",
    error_class: "storecast.shopify.errors.Throttled",
  }),
  run({
    id: "0193-c",
    name: "sync.import",
    state: "dead",
    queue: "sync",
    attempt: 8,
    run_ms: 31_204,
    usual_run_ms: 38_000,
    error: "The export's file is no longer there (404)",
    error_class: "storecast.sync.errors.ResultGone",
    fingerprint: FINGERPRINT,
  }),
  run({
    id: "0193-b",
    name: "orders.order_recorded",
    state: "succeeded",
    wait_ms: 9,
    run_ms: 24,
    usual_run_ms: 60,
  }),
  run({
    id: "0193-a",
    name: "segments.recount",
    state: "queued",
    priority: 7,
    ...waiting,
    shop_domain: null,
  }),
];

export const jobsSummary: JobsSummary = {
  states: {
    scheduled: 14,
    staged: 210,
    queued: 36,
    running: 2,
    retrying: 1,
    succeeded_24h: 148_212,
    dead: 1,
    cancelled_24h: 3,
  },
  queues: [],
};

export const jobDetail: JobDetail = {
  ...run({
    id: "0193-c",
    name: "sync.import",
    state: "dead",
    queue: "sync",
    attempt: 3,
    max_attempts: 3,
    enqueued_at: ago(270_000),
    run_at: ago(270_000),
    run_ms: 31_204,
    usual_run_ms: 38_000,
    worker: "sync@demo/4802",
    error: "The export's file is no longer there (404)",
    error_class: "storecast.sync.errors.ResultGone",
    fingerprint: FINGERPRINT,
    tags: ["first-sync"],
    parent_id: "0193-0",
    root_id: "0193-0",
    request_id: "req_01jd2c",
    args: { sync_run_id: 71, resource: "orders", url: "•••" },
  }),
  error_key: "unexpected",
  result: null,
  waits_because: null,
  children_count: 0,
  log_count: 3,
  trace_url: "https://traces.example/trace/4bf92f",
  cancel_requested_at: null,
  editable: true,
  args_schema: {
    type: "object",
    properties: {
      sync_run_id: { type: "integer", minimum: 1 },
      resource: { type: "string", enum: ["customers", "products", "orders"] },
      url: { type: "string" },
    },
    required: ["sync_run_id", "resource", "url"],
    additionalProperties: false,
  },
  attempts: [
    {
      number: 1,
      queued_at: ago(268_000),
      started_at: ago(260_000),
      finished_at: ago(232_000),
      worker: "sync@demo/4802",
      error: "The connection was closed after 12,401,220 bytes",
      error_key: "store_away",
      traceback: 'File "importer.py", line 71, in read\n    chunk = stream.read()\nConnectionClosed',
    },
    {
      number: 2,
      queued_at: ago(190_000),
      started_at: ago(184_000),
      finished_at: ago(152_000),
      worker: "sync@demo/4801",
      error: "The export's file is no longer there (404)",
      error_key: "unexpected",
      traceback: 'File "importer.py", line 88, in read\n    raise ResultGone(url)\nResultGone',
    },
    {
      number: 3,
      queued_at: ago(96_000),
      started_at: ago(92_000),
      finished_at: ago(60_000),
      worker: "sync@demo/4802",
      error: "The export's file is no longer there (404)",
      error_key: "unexpected",
      traceback: 'File "importer.py", line 88, in read\n    raise ResultGone(url)\nResultGone',
    },
  ],
};

const line = (fields: Partial<JobLogLine> & Pick<JobLogLine, "event">): JobLogLine => ({
  at: ago(91_000),
  attempt: 3,
  level: "info",
  facts: {},
  ...fields,
});

export const logs: JobLogLine[] = [
  line({ at: ago(92_000), event: "import started", facts: { resource: "orders" } }),
  line({ at: ago(80_000), level: "warning", event: "slow page", facts: { took_ms: 8_120 } }),
  line({ at: ago(60_000), level: "error", event: "result gone", facts: { status: 404 } }),
];

const member = (id: string, name: string, state: JobRun["state"], parent_id: string | null) => ({
  id,
  name,
  title_key: name,
  state,
  parent_id,
  batch_id: null,
  enqueued_at: ago(270_000),
  finished_at: null,
});

export const family: Family = {
  nodes: [
    member("0193-0", "sync.start", "succeeded", null),
    member("0193-1", "sync.poll", "succeeded", "0193-0"),
    member("0193-c", "sync.import", "dead", "0193-0"),
    member("0193-2", "sync.import", "succeeded", "0193-0"),
    ...Array.from({ length: 8 }, (_, index) =>
      member(`0193-2${index}`, "segments.recount", "succeeded", "0193-2"),
    ),
    member("0193-3", "sync.finish", "running", "0193-2"),
  ],
  truncated: false,
};
