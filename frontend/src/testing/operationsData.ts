/** The fleet of a made-up platform, with one process lost and one host cut off. */
import type { components } from "@/generated/api";
import { ago } from "./data";

type Schemas = components["schemas"];
type Process = Schemas["ProcessRow"];

const process = (fields: Partial<Process> & Pick<Process, "name" | "kind">): Process => ({
  host: "demo",
  pid: 4_000 + fields.name.length,
  state: "ok",
  queues: [],
  slots: 0,
  busy: 0,
  pool: "",
  children: [],
  prefetched: 0,
  rss_mib: 84.2,
  started_at: ago(7_200_000),
  beat_at: ago(1_200),
  version: "0.2.0",
  outdated: false,
  done: 0,
  done_per_min: 0,
  last_job: null,
  last_job_at: null,
  broker_age_s: null,
  draining: false,
  dropped: 0,
  orphans: 0,
  commands: [],
  ...fields,
});

const worker = (fields: Partial<Process> & Pick<Process, "name">): Process =>
  process({ kind: "worker", pool: "prefork", broker_age_s: 1.4, ...fields });

export const workers: Schemas["Workers"] = {
  at: ago(0),
  newest_version: "0.2.0",
  deploys: [
    { version: "0.1.0", at: ago(9 * 86_400_000) },
    { version: "0.2.0", at: ago(1_500_000) },
  ],
  processes: [
    process({ name: "api@demo", kind: "api", rss_mib: 142 }),
    process({ name: "edge@demo", kind: "edge", rss_mib: 61, done: 20_410 }),
    process({ name: "relay@demo", kind: "relay", rss_mib: 58, done: 1_502, broker_age_s: 0.4 }),
    worker({
      name: "default@demo",
      queues: ["critical", "default"],
      slots: 4,
      busy: 1,
      done: 1_210,
      done_per_min: 88.4,
      last_job: "orders.order_recorded",
      last_job_at: ago(900),
      children: [4_411, 4_412, 4_413, 4_414].map((pid, index) => ({
        pid,
        rss_mib: 92 + index * 3,
        job:
          index === 0
            ? {
                id: "0193-g",
                name: "sync.import",
                title_key: "sync.import",
                started_at: ago(31_000),
                shop_domain: "cdnow.myshopify.com",
              }
            : null,
      })),
      commands: [
        {
          id: 12,
          action: "resize",
          slots: 4,
          asked_by: "Kim Osei",
          asked_at: ago(600_000),
          done_at: ago(598_000),
          error: null,
        },
      ],
    }),
    worker({
      name: "bulk@demo",
      queues: ["bulk"],
      slots: 2,
      busy: 2,
      done: 96,
      done_per_min: 31.5,
      rss_mib: 120,
      version: "0.1.0",
      outdated: true,
      last_job: "campaigns.send_batch",
      last_job_at: ago(4_000),
      prefetched: 1,
    }),
    worker({
      name: "sync@demo",
      queues: ["sync"],
      slots: 1,
      busy: 1,
      state: "lost",
      beat_at: ago(140_000),
      rss_mib: 98,
      orphans: 1,
      last_job: "sync.import",
      last_job_at: ago(600_000),
    }),
    process({ name: "beat@demo", kind: "beat", rss_mib: 55, done: 340 }),
  ],
};

export const orphans: Schemas["OrphanRow"][] = [
  {
    job_id: "0193-g",
    name: "sync.import",
    title_key: "sync.import",
    shop_domain: "cdnow.myshopify.com",
    attempt: 1,
    at: ago(60_000),
    outcome: "retried",
    state: "running",
  },
];

export const circuits: Schemas["CircuitRow"][] = [
  {
    host: "cdnow.myshopify.com",
    state: "closed",
    failures: 1,
    opened_at: null,
    probe_at: null,
    last_error: "HTTP 429",
    budget: { left: 9.5, capacity: 10 },
  },
  {
    host: "smtp.example.com",
    state: "open",
    failures: 7,
    opened_at: ago(40_000),
    probe_at: ago(-20_000),
    last_error: "Connection refused",
    budget: { left: 0.4, capacity: 10 },
  },
];
