/** Dead letters, figures over time and a shop's own tasks, made up. */
import type { components } from "@/generated/api";
import type { DeadGroup, DeadGroupDetail, JobFigures, JobSeries, Task, Tasks } from "@/lib/api/jobTypes";
import { ago } from "./data";
import { FINGERPRINT } from "./tasksData";

export const deadGroups: DeadGroup[] = [
  {
    fingerprint: FINGERPRINT,
    error_class: "storecast.sync.errors.ResultGone",
    message: "The export's file is no longer there (404)",
    name: "sync.import",
    title_key: "sync.import",
    count: 3_214,
    shops: 41,
    first_at: ago(5 * 3_600_000),
    last_at: ago(60_000),
    sample_job_id: "0193-c",
    notes: 1,
  },
  {
    fingerprint: "11aa41d07be81a35",
    error_class: "TimeoutError",
    message: "mail.example did not answer within 30 s",
    name: "campaigns.send_batch",
    title_key: "campaigns.send_batch",
    count: 12,
    shops: 1,
    first_at: ago(26 * 3_600_000),
    last_at: ago(25 * 3_600_000),
    sample_job_id: "0193-x",
    notes: 0,
  },
];

export const deadGroup: DeadGroupDetail = {
  ...(deadGroups[0] as DeadGroup),
  note_list: [
    {
      id: 1,
      body: "Exports are kept for 7 days only.",
      author: "Kim Osei",
      created_at: ago(3_600_000),
      job_id: null,
    },
  ],
};

const task = (fields: Partial<Task> & Pick<Task, "id" | "name" | "state">): Task => ({
  title_key: fields.name,
  percent: null,
  done: null,
  total: null,
  note: null,
  eta_s: null,
  rate_per_min: null,
  since: ago(120_000),
  why: null,
  error_key: null,
  retryable: false,
  ...fields,
});

export const tasks: Tasks = {
  running: [
    task({
      id: "0193-f",
      name: "sync.import",
      state: "running",
      percent: 41,
      done: 28_310,
      total: 69_659,
      eta_s: 140,
      rate_per_min: 17_700,
      note: "Orders",
    }),
    task({ id: "0193-e", name: "sync.import", state: "running" }),
    task({
      id: "0193-d",
      name: "messaging.write_consent",
      state: "retrying",
      why: { code: "rate_limit", until: new Date(Date.now() + 90_000).toISOString(), facts: {} },
    }),
  ],
  needs_you: [task({ id: "0193-c", name: "campaigns.freeze", state: "dead", retryable: true })],
  recent: [
    task({ id: "0193-b", name: "orders.order_recorded", state: "succeeded" }),
    task({ id: "0193-a", name: "segments.recount", state: "succeeded", since: ago(900_000) }),
  ],
  last_success: [
    { name: "sync.import", title_key: "sync.import", at: ago(4 * 3_600_000) },
    { name: "campaigns.send_batch", title_key: "campaigns.send_batch", at: ago(26 * 3_600_000) },
  ],
};

const figure = (
  name: string,
  queue: string,
  runs_: number,
  failed: number,
  [wait, ran]: [number, number],
): JobFigures => ({
  name,
  title_key: name,
  queue,
  runs: runs_,
  failed,
  wait_ms: { p50: wait, p95: wait * 4, p99: wait * 9 },
  run_ms: { p50: ran, p95: ran * 3, p99: ran * 6 },
  total_ms: runs_ * ran,
});

export const figures: components["schemas"]["Figures"] = {
  window: "24h",
  jobs: [
    figure("campaigns.send_batch", "bulk", 1_904, 12, [180, 2_400]),
    figure("sync.import", "sync", 62, 3, [40, 14_200]),
    figure("orders.order_recorded", "default", 118_240, 0, [9, 6]),
    figure("segments.recount", "default", 310, 0, [22, 410]),
  ],
};

export const series: JobSeries = {
  step_s: 3_600,
  points: Array.from({ length: 24 }, (_, index) => ({
    at: ago((23 - index) * 3_600_000),
    succeeded: 4_800 + Math.round(900 * Math.sin(index / 2)),
    dead: index === 17 ? 9 : index === 18 ? 6 : 0,
    cancelled: index === 9 ? 3 : 0,
    wait_p95_ms: 60 + 20 * Math.cos(index),
    run_p95_ms: index === 17 ? 9_400 : 1_200 + 150 * Math.sin(index),
  })),
  deploys: [{ version: "0.2.0", at: ago(7.5 * 3_600_000) }],
};
