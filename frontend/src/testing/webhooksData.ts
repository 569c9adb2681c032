import type { components } from "@/generated/api";

type Schemas = components["schemas"];

const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
const MINUTE = 60_000;

function figures(topic: string, received: number, rest: Partial<Schemas["TopicFigures"]> = {}) {
  const came = received > 0;
  return {
    topic,
    handled: true,
    received,
    last_received_at: came ? ago(2 * MINUTE) : null,
    waiting: 0,
    dead: 0,
    stale: 0,
    arrival_p50_ms: came ? 412 : null,
    arrival_p95_ms: came ? 1_830 : null,
    handling_p50_ms: came ? 64 : null,
    handling_p95_ms: came ? 240 : null,
    ...rest,
  } satisfies Schemas["TopicFigures"];
}

export const topicReport: Schemas["TopicReport"] = {
  since: ago(24 * 60 * MINUTE),
  topics: [
    figures("products/update", 34, { dead: 2 }),
    figures("themes/publish", 1, { handled: false }),
    figures("orders/updated", 1_204, { stale: 17, waiting: 3 }),
    figures("orders/create", 402),
    figures("customers/update", 388),
    figures("customers/merge", 0),
  ],
  missed: [
    { day: ago(0).slice(0, 10), family: "orders", polled: 412, missed: 2 },
    { day: ago(0).slice(0, 10), family: "customers", polled: 390, missed: 0 },
  ],
};

const base: Schemas["DeliveryRow"] = {
  id: 7,
  webhook_id: "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
  topic: "products/update",
  state: "dead",
  object_gid: "gid://shopify/Product/788032119674292922",
  triggered_at: ago(4 * MINUTE),
  received_at: ago(4 * MINUTE - 400),
  done_at: null,
  replayed_at: null,
  attempts: 5,
  error: "ValueError: a price that is no number",
  arrival_ms: 400,
  handling_ms: null,
};

export const deliveries: Schemas["DeliveryRow"][] = [
  base,
  {
    ...base,
    id: 6,
    topic: "orders/updated",
    state: "applied",
    object_gid: "gid://shopify/Order/820982911946154508",
    done_at: ago(4 * MINUTE - 460),
    attempts: 1,
    error: null,
    handling_ms: 60,
  },
];

export const delivery: Schemas["DeliveryDetail"] = {
  ...base,
  event_id: "98880550-7158-44d4-b7cd-2c97c8a091b5",
  api_version: "2026-10",
  bytes: 2_104,
  payload: { id: 788032119674292900, title: "Kind of Blue", vendor: "Columbia" },
};
