import type { Rules } from "@/lib/rules";

const subscribed = { field: "email_subscription", operator: "is", value: "subscribed" };

/** Segments that most shops want first; the names are in the catalogue under `starter.`. */
export const STARTERS: readonly { key: "lapsed" | "best" | "new" | "quiet"; rules: Rules }[] = [
  {
    key: "lapsed",
    rules: {
      op: "and",
      rules: [
        { field: "orders_count", operator: "gte", value: 2 },
        { field: "last_order_at", operator: "not_in_last_days", value: 90 },
        subscribed,
      ],
    },
  },
  {
    key: "best",
    rules: { op: "and", rules: [{ field: "total_spent", operator: "gte", value: "250" }, subscribed] },
  },
  {
    key: "new",
    rules: {
      op: "and",
      rules: [
        { field: "orders_count", operator: "eq", value: 1 },
        { field: "last_order_at", operator: "in_last_days", value: 30 },
        subscribed,
      ],
    },
  },
  {
    key: "quiet",
    rules: {
      op: "and",
      rules: [
        { op: "not", rule: { field: "last_opened_at", operator: "in_last_days", value: 180 } },
        { field: "last_sent_at", operator: "is_set" },
        subscribed,
      ],
    },
  },
];
