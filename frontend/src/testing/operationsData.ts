import type { JobDetail, JobRun, JobsSummary, Workers } from "@/lib/api/types";
import { ago } from "./data";

const run = (fields: Partial<JobRun> & Pick<JobRun, "id" | "name" | "state">): JobRun => ({
  title_key: fields.name,
  queue: "default",
  attempt: 1,
  max_attempts: 8,
  enqueued_at: ago(90_000),
  started_at: ago(88_000),
  finished_at: ago(60_000),
  wait_ms: 18,
  run_ms: 412,
  worker: "default@demo",
  error: null,
  progress: null,
  shop_domain: "cdnow.myshopify.com",
  request_id: null,
  args: { shop_id: 1 },
  parent_id: null,
  ...fields,
});

export const runs: JobRun[] = [
  run({
    id: "0193-a",
    name: "campaigns.send_batch",
    state: "running",
    queue: "bulk",
    finished_at: null,
    run_ms: null,
    progress: { done: 1_210, total: 1_904, note: "" },
  }),
  run({
    id: "0193-b",
    name: "messaging.write_consent",
    state: "retrying",
    attempt: 3,
    finished_at: null,
    error: "Shopify answered THROTTLED; tries again in 8 s",
  }),
  run({
    id: "0193-c",
    name: "sync.import",
    state: "dead",
    queue: "sync",
    attempt: 8,
    run_ms: 31_204,
    error: "The export's file is no longer there (404)",
  }),
  run({ id: "0193-d", name: "orders.order_recorded", state: "succeeded", wait_ms: 9, run_ms: 24 }),
  run({ id: "0193-e", name: "sync.start", state: "succeeded", queue: "sync", run_ms: 1_280 }),
];

export const jobsSummary: JobsSummary = {
  states: { staged: 0, queued: 3, running: 1, retrying: 1, succeeded_24h: 1_482, dead: 1, cancelled_24h: 0 },
  queues: [
    { name: "critical", depth: 0, oldest_age_s: null, running: 0, paused: false, done_per_min: 12.4 },
    { name: "default", depth: 3, oldest_age_s: 0.8, running: 0, paused: false, done_per_min: 88 },
    { name: "bulk", depth: 12, oldest_age_s: 4.2, running: 1, paused: false, done_per_min: 31.5 },
    { name: "sync", depth: 0, oldest_age_s: null, running: 0, paused: true, done_per_min: 0 },
  ],
};

export const jobDetail: JobDetail = {
  ...run({
    id: "0193-c",
    name: "sync.import",
    state: "dead",
    queue: "sync",
    attempt: 2,
    max_attempts: 8,
    run_ms: 31_204,
    error: "The export's file is no longer there (404)",
  }),
  request_id: "req_01jd2c",
  args: { sync_run_id: "syn_1", resource: "orders" },
  attempts: [
    {
      number: 1,
      started_at: ago(200_000),
      finished_at: ago(170_000),
      worker: "sync@demo",
      error: "The connection was closed after 12,401,220 bytes",
      traceback: null,
    },
    {
      number: 2,
      started_at: ago(120_000),
      finished_at: ago(89_000),
      worker: "sync@demo",
      error: "The export's file is no longer there (404)",
      traceback: 'File "importer.py", line 88, in read\n    raise ResultGone(url)',
    },
  ],
};

const process = (
  fields: Partial<Workers["processes"][number]> & {
    name: string;
    kind: Workers["processes"][number]["kind"];
  },
) => ({
  host: "demo",
  pid: 4_000 + fields.name.length,
  queues: [],
  slots: 0,
  busy: 0,
  rss_mib: 84.2,
  started_at: ago(7_200_000),
  beat_at: ago(1_200),
  state: "ok" as const,
  version: "0.1.0",
  done: 0,
  ...fields,
});

export const workers: Workers = {
  at: ago(0),
  processes: [
    process({ name: "api", kind: "api", rss_mib: 142 }),
    process({ name: "edge", kind: "edge", rss_mib: 61, done: 20_410 }),
    process({ name: "relay", kind: "relay", rss_mib: 58, done: 1_502 }),
    process({
      name: "worker-default",
      kind: "worker",
      queues: ["critical", "default"],
      slots: 4,
      busy: 1,
      done: 1_210,
    }),
    process({
      name: "worker-bulk",
      kind: "worker",
      queues: ["bulk"],
      slots: 2,
      busy: 2,
      done: 96,
      rss_mib: 120,
    }),
    process({
      name: "worker-sync",
      kind: "worker",
      queues: ["sync"],
      slots: 1,
      state: "late",
      beat_at: ago(22_000),
      rss_mib: 98,
    }),
    process({ name: "beat", kind: "beat", rss_mib: 55, done: 340 }),
  ],
};
