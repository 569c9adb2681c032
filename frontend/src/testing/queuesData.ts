/** Queues, limits and the health strip of a made-up platform with one thing wrong in each place. */
import type { components } from "@/generated/api";
import { ago, NOW } from "./data";

type Schemas = components["schemas"];

const spark = (base: number, failed: number) =>
  Array.from({ length: 60 }, (_, index) => ({
    at: new Date(NOW - (59 - index) * 60_000).toISOString(),
    done: Math.max(0, Math.round(base * (1 + 0.5 * Math.sin(index / 4)))),
    failed: index > 52 ? failed : 0,
  }));

const queue = (fields: Partial<Schemas["QueueRow"]> & { name: string }): Schemas["QueueRow"] => ({
  depth: 0,
  scheduled: 0,
  running: 0,
  oldest_age_s: null,
  wait_p95_ms: null,
  in_per_min: 0,
  out_per_min: 0,
  drain_min: null,
  done_per_min: 0,
  consumers: 1,
  slots: 4,
  busy: 0,
  paused: false,
  paused_by: null,
  limits: null,
  top_shops: [],
  spark: spark(0, 0),
  ...fields,
});

export const queues: Schemas["QueueRow"][] = [
  queue({ name: "critical", wait_p95_ms: 14, in_per_min: 12.4, out_per_min: 12.4, spark: spark(12, 0) }),
  queue({
    name: "default",
    depth: 38,
    scheduled: 14,
    running: 3,
    busy: 3,
    oldest_age_s: 0.8,
    wait_p95_ms: 210,
    in_per_min: 90.2,
    out_per_min: 88,
    drain_min: 0.4,
    top_shops: [
      { shop_domain: "cdnow.myshopify.com", depth: 21 },
      { shop_domain: "vinyl-and-more.myshopify.com", depth: 9 },
      { shop_domain: null, depth: 4 },
    ],
    spark: spark(88, 6),
  }),
  queue({
    name: "bulk",
    depth: 1_204,
    running: 2,
    slots: 2,
    busy: 2,
    oldest_age_s: 250,
    wait_p95_ms: 181_000,
    in_per_min: 64,
    out_per_min: 31.5,
    limits: { in_flight: 8, shop_in_flight: 2, rate: 600, rate_period_s: 60 },
    top_shops: [{ shop_domain: "cdnow.myshopify.com", depth: 1_110 }],
    spark: spark(31, 2),
  }),
  queue({
    name: "sync",
    depth: 4,
    consumers: 0,
    slots: 0,
    oldest_age_s: 139,
    wait_p95_ms: 900,
    in_per_min: 0.4,
  }),
  queue({ name: "ai", paused: true, paused_by: "Kim Osei" }),
];

export const limits: Schemas["Limit"][] = [
  {
    kind: "queue",
    key: "bulk",
    paused_at: null,
    paused_by: null,
    in_flight: 8,
    shop_in_flight: 2,
    rate: 600,
    rate_period_s: 60,
    weight: 1,
  },
  {
    kind: "job",
    key: "messaging.write_consent",
    paused_at: ago(900_000),
    paused_by: "Kim Osei",
    in_flight: null,
    shop_in_flight: 2,
    rate: null,
    rate_period_s: 60,
    weight: 1,
  },
];

export const health: Schemas["HealthStrip"] = {
  items: [
    ["oldest_wait:sync", "bad", 139, "s", 60, "/tasks?state=queued&q=queue:sync"],
    ["workers", "bad", 1, "count", 0, "/workers"],
    ["oldest_wait:bulk", "warn", 250, "s", 240, "/tasks?state=queued&q=queue:bulk"],
    ["failure_rate", "ok", 0.4, "percent", 5, "/tasks?state=dead"],
    ["dead", "ok", 1, "count", 10, "/tasks/dead-letters"],
    ["beat", "ok", 2.1, "s", 30, "/tasks/schedules"],
    ["relay_lag", "ok", 0.2, "s", 5, "/tasks?state=staged"],
    ["history_drops", "ok", 0, "count", 0, "/workers"],
    ["circuits", "ok", 0, "count", 0, "/workers"],
  ].map(([key, severity, value, unit, limit, link]) => ({
    key,
    severity,
    value,
    unit,
    limit,
    link,
    facts: {},
  })) as Schemas["HealthItem"][],
};
