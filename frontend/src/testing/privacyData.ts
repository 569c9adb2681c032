/** Privacy requests, their proof, retention periods and who looked at data. */
import type { components } from "@/generated/api";
import { ago } from "./data";

type Schemas = components["schemas"];

const DAY_MS = 86_400_000;

const request = (
  fields: Partial<Schemas["PrivacyRequestRow"]> & Pick<Schemas["PrivacyRequestRow"], "id" | "kind">,
): Schemas["PrivacyRequestRow"] => ({
  state: "done",
  asked_by: "shopify",
  received_at: ago(2 * DAY_MS),
  due_at: ago(-28 * DAY_MS),
  done_at: ago(2 * DAY_MS),
  urgency: "none",
  refused: null,
  archive: null,
  can_rerun: false,
  ...fields,
});

const exported = request({
  id: 3,
  kind: "data_request",
  archive: { bytes: 48_120, until: ago(-5 * DAY_MS), passphrase_waits: true },
  can_rerun: true,
});

export const requests: Schemas["PrivacyRequestRow"][] = [
  exported,
  request({ id: 2, kind: "customer_redact", asked_by: "merchant" }),
  request({
    id: 1,
    kind: "customer_redact",
    state: "received",
    done_at: null,
    due_at: ago(DAY_MS),
    urgency: "overdue",
    can_rerun: true,
  }),
];

export const detail: Schemas["PrivacyRequestDetail"] = {
  ...exported,
  proof: [
    { table: "customers", before: 1, after: 1 },
    { table: "pixel_events", before: 214, after: 214 },
    { table: "webhook_inbox", before: 0, after: 0 },
  ],
};

export const retention: Schemas["Retention"][] = [
  { table: "customers", days: null, by: "erasure" },
  { table: "pixel_events", days: 400, by: "partition" },
  { table: "webhook_inbox", days: 7, by: "job" },
];

export const accesses: Schemas["Access"][] = [
  {
    id: "01936b00-0000-7000-8000-000000000001",
    at: ago(60_000),
    actor: "user:7",
    view: "recipients",
    subject: "cmp_autumn",
    people: 50,
  },
];
