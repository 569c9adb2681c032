/** One customer in full, discounts with codes, and what customers were given. */
import type { components } from "@/generated/api";
import { ago, customers, money } from "./data";

type Schemas = components["schemas"];

const DAY_MS = 86_400_000;

const [ada] = customers;
if (!ada) throw new Error("there is no customer to build on");

export const customer: Schemas["CustomerDetail"] = {
  ...ada,
  shopify_id: 191167,
  phone: "+15035550177",
  province: "Oregon",
  first_order_at: ago(300 * DAY_MS),
  lifetime_orders_count: null,
  lifetime_spent: null,
  average_order: money(2_500),
  rfm_recency: 3,
  rfm_frequency: 2,
  rfm_monetary: 4,
  locale: "de",
  tags: ["folk-fan", "vip"],
  email_opt_in_level: "confirmed_opt_in",
  email_consent_at: ago(200 * DAY_MS),
  sms_subscription: "unsubscribed",
  sms_opt_in_level: null,
  sms_consent_at: ago(20 * DAY_MS),
  created_at: ago(400 * DAY_MS),
  timeline: [
    {
      at: ago(DAY_MS),
      kind: "click",
      facts: { campaign: "Autumn", campaign_id: "cmp_autumn", verdict: "human" },
    },
    {
      at: ago(2 * DAY_MS),
      kind: "open",
      facts: { campaign: "Autumn", campaign_id: "cmp_autumn", verdict: "machine" },
    },
    {
      at: ago(95 * DAY_MS),
      kind: "order",
      facts: { name: "#31961", total: money(2_097), financial_status: "paid", cancelled: true },
    },
  ],
};

export const credits: Schemas["StoreCredit"][] = [
  {
    id: "scr_2",
    amount: money(500),
    reason: "Birthday",
    expires_at: null,
    state: "refused",
    error: "The customer is gone.",
    created_by: "user:7",
    created_at: ago(DAY_MS),
    settled_at: ago(DAY_MS),
  },
  {
    id: "scr_1",
    amount: money(1_000),
    reason: "Sorry for the late parcel",
    expires_at: null,
    state: "done",
    error: null,
    created_by: "user:7",
    created_at: ago(2 * DAY_MS),
    settled_at: ago(2 * DAY_MS),
  },
];

export const creditBalance: Schemas["StoreCreditBalance"] = {
  accounts: [{ balance: money(725), given: money(1_000), on_its_way: money(0) }],
  read_at: ago(0),
};

export const discount: Schemas["Discount"] = {
  id: "dsc_1",
  title: "Ten percent for regulars",
  percent: 12.5,
  amount: null,
  starts_at: ago(3 * DAY_MS),
  ends_at: null,
  once_per_customer: true,
  prefix: "HELLO-",
  state: "done",
  codes: 1_000,
  live: 998,
  leased: 180,
  redeemed: 41,
  refused: 2,
  refusals: [{ code: "HELLO-AAAABBBBCCCC", error: "The code is taken." }],
  error: null,
  created_at: ago(3 * DAY_MS),
  finished_at: ago(3 * DAY_MS),
};

const contactCounts = {
  rows: 0,
  refused: 0,
  merged: 0,
  created: 0,
  updated: 0,
  unchanged: 0,
  suppressed: 0,
  waiting: 0,
};

export const contactFile: components["schemas"]["ContactFile"] = {
  id: "imp_fair",
  name: "fair-2026.csv",
  state: "uploaded",
  encoding: "windows-1252",
  size_bytes: 48_211,
  lines: 841,
  counts: contactCounts,
  refused: {},
  error: null,
  created_at: "2026-11-20T09:00:00Z",
  finished_at: null,
  columns: [
    { title: "E-Mail", suggested: "email", samples: ["ada@example.com", "cem@example.com"] },
    { title: "Vorname", suggested: "first_name", samples: ["Ada", "Cem"] },
    { title: "Einwilligung", suggested: "consent", samples: ["ja", "ja"] },
    { title: "Stand", suggested: null, samples: ["A4", "B2"] },
  ],
};

export const contactsDone: components["schemas"]["ContactFile"] = {
  ...contactFile,
  id: "imp_done",
  name: "newsletter.csv",
  state: "done",
  counts: {
    ...contactCounts,
    rows: 840,
    refused: 9,
    merged: 11,
    created: 640,
    updated: 150,
    unchanged: 30,
    suppressed: 2,
  },
  refused: { broken_address: 8, shopify: 1 },
  finished_at: "2026-11-20T09:02:00Z",
  columns: [],
};

export const contactPreview: components["schemas"]["ContactPreview"] = {
  looked_at: 840,
  refused: { consent_without_time: 2 },
  rows: [
    {
      line: 2,
      email: "ada@example.com",
      first_name: "Ada",
      last_name: null,
      phone: null,
      country: null,
      tags: ["fair"],
      consent_state: "subscribed",
      consent_at: "2026-03-01T00:00:00Z",
      consent_source: "Fair",
      reason: null,
    },
    {
      line: 3,
      email: null,
      first_name: null,
      last_name: null,
      phone: null,
      country: null,
      tags: [],
      consent_state: null,
      consent_at: null,
      consent_source: null,
      reason: "consent_without_time",
    },
  ],
};

export const contactRefusals: components["schemas"]["ContactRefusal"][] = [
  { line: 17, reason: "broken_address", error: null },
  { line: 44, reason: "shopify", error: "Phone has already been taken" },
];
