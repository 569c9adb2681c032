/** Schedules and workflows of a made-up platform. */
import type { components } from "@/generated/api";
import { ago, NOW } from "./data";

type Schemas = components["schemas"];

const HOUR_MS = 3_600_000;

const nextRuns = (everyMs: number) =>
  Array.from({ length: 5 }, (_, index) => {
    const at = Math.ceil(NOW / everyMs) * everyMs + index * everyMs;
    const local = new Date(at - 5 * HOUR_MS).toISOString().slice(0, 19);
    return { at_utc: new Date(at).toISOString(), at_local: `${local}-05:00` };
  });

const results = (everyMs: number, ends: readonly string[]): Schemas["ScheduleResult"][] =>
  ends.map((end, index) => {
    const isRun = ["succeeded", "dead", "running"].includes(end);
    return {
      due_at: new Date(Math.floor(NOW / everyMs) * everyMs - index * everyMs).toISOString(),
      outcome: isRun ? "staged" : end,
      job_id: isRun ? `0193-s${index}` : null,
      state: isRun ? end : null,
      drift_ms: 420 + index * 13,
    } as Schemas["ScheduleResult"];
  });

const many = (end: string, count: number) => Array.from({ length: count }, () => end);

const schedule = (
  fields: Partial<Schemas["Schedule"]> & Pick<Schemas["Schedule"], "id" | "title" | "job_name">,
): Schemas["Schedule"] => ({
  source: "code",
  title_key: `jobs.${fields.job_name}`,
  args: {},
  cron: "0 * * * *",
  interval_s: null,
  timezone: "America/New_York",
  overlap: "skip",
  catch_up: "last",
  paused_at: null,
  skip_next: false,
  next_runs: nextRuns(HOUR_MS),
  last_results: results(HOUR_MS, many("succeeded", 20)),
  missed: 0,
  shop_domain: null,
  words: "Every hour",
  created_by: null,
  ...fields,
});

export const schedules: Schemas["Schedule"][] = [
  schedule({ id: "1", title: "Recount", job_name: "segments.recount_everywhere" }),
  schedule({
    id: "2",
    title: "Partitions",
    job_name: "jobs.maintain_partitions",
    cron: null,
    interval_s: 600,
    timezone: "UTC",
    words: "Every 10 minutes",
    missed: 2,
    next_runs: nextRuns(600_000),
    last_results: results(600_000, [
      "running",
      "succeeded",
      "missed",
      "missed",
      "dead",
      "overlapped",
      "skipped",
      ...many("succeeded", 13),
    ]),
  }),
  schedule({
    id: "3",
    title: "Full import on Sunday nights",
    job_name: "sync.start",
    source: "user",
    title_key: null,
    cron: "30 2 * * sun",
    words: "At 02:30 on Sunday",
    paused_at: ago(HOUR_MS),
    shop_domain: "cdnow.myshopify.com",
    last_results: [],
    created_by: "Robin Vance",
  }),
];

export const openJobs: Schemas["SchedulableJob"][] = [
  {
    name: "sync.start",
    title_key: "jobs.sync.start",
    args_schema: {
      type: "object",
      properties: {
        resource: { type: "string", enum: ["orders", "customers", "products"], title: "What" },
        since_days: { anyOf: [{ type: "integer" }, { type: "null" }], title: "Days back" },
      },
      required: ["resource"],
    },
  },
  {
    name: "segments.recount",
    title_key: "jobs.segments.recount",
    args_schema: { type: "object", properties: {} },
  },
];

export const schedulePreview: Schemas["SchedulePreview"] = {
  words: "At 09:00 every day",
  next_runs: nextRuns(24 * HOUR_MS),
};

const row = (
  fields: Partial<Schemas["WorkflowRow"]> & { id: string; name: string },
): Schemas["WorkflowRow"] => ({
  state: "succeeded",
  shop_domain: "cdnow.myshopify.com",
  nodes_total: 6,
  nodes_done: 6,
  nodes_failed: 0,
  created_at: ago(HOUR_MS),
  finished_at: ago(HOUR_MS - 312_000),
  created_by: "Robin Vance",
  ...fields,
});

export const workflows: Schemas["WorkflowRow"][] = [
  row({
    id: "0193-wf-1",
    name: "Sync, facts, segments",
    state: "failed",
    nodes_done: 3,
    nodes_failed: 1,
    created_by: null,
  }),
  row({ id: "0193-wf-2", name: "Refresh and count", state: "running", nodes_done: 2, finished_at: null }),
  row({ id: "0193-wf-3", name: "Spring clean" }),
];

const node = (
  key: string,
  needs: string[],
  fields: Partial<Schemas["WorkflowNode"]> = {},
): Schemas["WorkflowNode"] => ({
  key,
  position: 0,
  state: "succeeded",
  needs,
  job_name: "sync.start",
  title_key: "jobs.sync.start",
  args: {},
  condition: null,
  fan_out: null,
  retries: 1,
  tries: 1,
  batch: { total: 1, succeeded: 1, dead: 0, cancelled: 0 },
  job_ids: ["0193-node-run"],
  result: null,
  error: null,
  started_at: ago(HOUR_MS),
  finished_at: ago(HOUR_MS - 40_000),
  ...fields,
});

export const workflow: Schemas["Workflow"] = {
  ...(workflows[0] as Schemas["WorkflowRow"]),
  definition: {},
  nodes: [
    node("import", [], { args: { resource: "orders" }, result: { rows: 69_659 } }),
    node("facts", ["import"], { job_name: "orders.rescore_customers" }),
    node("segments", ["facts"], {
      job_name: "segments.recount",
      state: "failed",
      tries: 2,
      fan_out: { over: "segments.all", as: "segment_id" },
      batch: { total: 12, succeeded: 10, dead: 2, cancelled: 0 },
      error: "2 of 12 tasks failed: statement timeout",
    }),
    node("products", ["import"], { job_name: "sync.import" }),
    node("notify", ["segments", "products"], {
      job_name: "messaging.write_consent",
      state: "waiting",
      tries: 0,
      batch: null,
      job_ids: [],
      condition: { node: "segments", field: "succeeded", op: "gt", value: 0 },
      started_at: null,
      finished_at: null,
    }),
    node("tidy", ["import", "notify"], {
      job_name: "jobs.maintain_partitions",
      state: "waiting",
      tries: 0,
      batch: null,
      job_ids: [],
      started_at: null,
      finished_at: null,
    }),
  ],
};

export const workflowParts: Schemas["WorkflowParts"] = {
  jobs: openJobs,
  queries: [{ name: "segments.all", description: "Every segment of the shop" }],
};
