/** Alert rules, channels and what they reported. */
import type { components } from "@/generated/api";
import { ago } from "./data";

type Schemas = components["schemas"];

const suggested = { op: "above", threshold: 60, for_s: 300 } as const;

export const metrics: Schemas["AlertMetric"][] = [
  { key: "queue_oldest_wait_s", unit: "s", scopes: ["queue"], audience: "operators", suggested },
  { key: "failure_percent", unit: "percent", scopes: ["queue", "job"], audience: "both", suggested },
  { key: "campaign_bounce_percent", unit: "percent", scopes: ["campaign"], audience: "shops", suggested },
];

const rule = (
  fields: Partial<Schemas["AlertRule"]> & Pick<Schemas["AlertRule"], "id" | "title" | "metric">,
): Schemas["AlertRule"] => ({
  unit: "s",
  scope: {},
  op: "above",
  threshold: 60,
  for_s: 300,
  hold_off_s: 3_600,
  channel_ids: [],
  enabled: true,
  muted_until: null,
  state: "ok",
  state_since: ago(3_600_000),
  last_value: 0,
  last_checked_at: ago(8_000),
  last_fired_at: null,
  link: "/tasks",
  ...fields,
});

export const rules: Schemas["AlertRule"][] = [
  rule({
    id: 2,
    title: "Failures",
    metric: "failure_percent",
    unit: "percent",
    threshold: 5,
    last_value: 0.4,
  }),
  rule({
    id: 1,
    title: "Sending stands still",
    metric: "queue_oldest_wait_s",
    scope: { queue: "bulk" },
    threshold: 240,
    state: "firing",
    state_since: ago(70_000),
    last_value: 250,
    last_fired_at: ago(70_000),
    channel_ids: [1],
    link: "/tasks?state=queued&q=queue:bulk",
  }),
];

export const channels: Schemas["AlertChannel"][] = [
  {
    id: 1,
    kind: "email",
    title: "On call",
    target: "o***@storecast.example",
    created_at: ago(9e8),
  },
  {
    id: 2,
    kind: "webhook",
    title: "Pager",
    target: "https://pager.example/…",
    created_at: ago(8e8),
  },
];

export const events: Schemas["AlertEvent"][] = [
  {
    id: 9,
    rule_id: 1,
    title: "Sending stands still",
    kind: "fired",
    silent: null,
    value: 250,
    at: ago(70_000),
    deliveries: [
      { channel_id: 1, state: "sent", error: null },
      { channel_id: 2, state: "failed", error: "HTTP 500" },
    ],
  },
  {
    id: 8,
    rule_id: 2,
    title: "Failures",
    silent: "muted",
    kind: "resolved",
    value: 1.2,
    at: ago(7_200_000),
    deliveries: [],
  },
];
