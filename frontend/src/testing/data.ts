/** A made-up shop for tests and for looking at pages without a backend. Shapes are the API's. */
import type {
  BrandKit,
  Campaign,
  CampaignRow,
  Comparison,
  ContactPolicy,
  CustomerList,
  CustomerRow,
  Deliverability,
  FeatureList,
  FieldGroup,
  Gate,
  Home,
  MicroSegments,
  Overview,
  Preview,
  ProductRow,
  Recipient,
  RecipientStory,
  Reconciliation,
  Report,
  SavedTemplate,
  Segment,
  Session,
  SessionShops,
  Settings,
  SyncRun,
  TemplateRow,
  VersionTestResult,
} from "@/lib/api/types";

export const NOW = Date.now();
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const ago = (ms: number) => new Date(NOW - ms).toISOString();
export const money = (amount_minor: number) => ({ amount_minor, currency: "USD" });
const day = (back: number) => new Date(NOW - back * DAY_MS).toISOString().slice(0, 10);
/** Wavy but repeatable. */
const wave = (index: number, base: number, swing: number) =>
  Math.round(base + swing * Math.sin(index / 2.1) + (swing / 2) * Math.cos(index * 1.7));

export const session: Session = {
  shop: {
    domain: "cdnow.myshopify.com",
    name: "CDNOW Records",
    currency: "USD",
    timezone: "America/New_York",
    access: "usable",
    state: "installed",
  },
  user: { id: "7", name: "Robin Vance", email: "robin@cdnow.example", role: "owner" },
  door: "browser",
  permissions: ["read", "edit", "send", "operate", "manage"],
};

const NAMES = [
  ["Ada", "Quist", "Portland"],
  ["Bram", "Okafor", "Austin"],
  ["Chiara", "Lindt", "Boston"],
  ["Dev", "Marsh", "Denver"],
  ["Elin", "Sato", "Seattle"],
  ["Farid", "Novak", "Chicago"],
] as const;

export const customers: CustomerRow[] = NAMES.map(([first, last, city], index) => ({
  id: `cus_${index + 1}`,
  name: `${first} ${last}`,
  email: `${first}.${last}@example.com`.toLowerCase(),
  email_subscription: "subscribed",
  orders_count: 2 + index,
  total_spent: money(4_999 + index * 3_210),
  last_order_at: ago((95 + index * 12) * DAY_MS),
  city,
  country: "US",
}));

export const fieldGroups: FieldGroup[] = [
  {
    key: "orders",
    fields: [
      {
        key: "orders_count",
        type: "number",
        operators: ["eq", "neq", "gt", "gte", "lt", "lte", "between"],
        options: [],
        subjects: [],
      },
      {
        key: "total_spent",
        type: "money",
        operators: ["eq", "gt", "gte", "lt", "lte", "between"],
        options: [],
        subjects: [],
      },
      {
        key: "last_order_at",
        type: "date",
        operators: ["before", "after", "in_last_days", "not_in_last_days", "is_set", "not_set"],
        options: [],
        subjects: [],
      },
    ],
  },
  {
    key: "engagement",
    fields: [
      {
        key: "email_subscription",
        type: "enum",
        operators: ["is", "is_not", "in"],
        options: ["subscribed", "not_subscribed", "unsubscribed", "pending", "invalid"],
        subjects: [],
      },
      {
        key: "last_opened_at",
        type: "date",
        operators: ["before", "after", "in_last_days", "not_in_last_days", "is_set", "not_set"],
        options: [],
        subjects: [],
      },
    ],
  },
  {
    key: "profile",
    fields: [
      {
        key: "email",
        type: "text",
        operators: ["is", "contains", "is_set", "not_set"],
        options: [],
        subjects: [],
      },
      { key: "tags", type: "tags", operators: ["has", "has_not"], options: [], subjects: [] },
    ],
  },
  {
    key: "behaviour",
    fields: [
      {
        key: "opened",
        type: "behaviour",
        operators: ["did", "did_not"],
        options: [],
        subjects: ["campaign"],
      },
      {
        key: "viewed",
        type: "behaviour",
        operators: ["did", "did_not"],
        options: [],
        subjects: ["product", "collection"],
      },
    ],
  },
  {
    key: "membership",
    fields: [{ key: "list", type: "list", operators: ["member", "not_member"], options: [], subjects: [] }],
  },
];

export const customerLists: CustomerList[] = [
  {
    id: "lst_fair",
    name: "Guests of the fair",
    row_count: 120,
    member_count: 114,
    refused_count: 6,
    refused: { unknown_customer: 5, broken_address: 1 },
    created_at: ago(3 * DAY_MS),
  },
];

export const segments: Segment[] = [
  {
    id: "seg_lapsed",
    name: "Bought twice, then stopped",
    rules: {
      op: "and",
      rules: [
        { field: "orders_count", operator: "gte", value: 2 },
        { field: "last_order_at", operator: "not_in_last_days", value: 90 },
        { field: "email_subscription", operator: "is", value: "subscribed" },
      ],
    },
    member_count: 4_812,
    counted_at: ago(4 * 60_000),
    created_at: ago(9 * DAY_MS),
    updated_at: ago(2 * DAY_MS),
    version: 3,
  },
  {
    id: "seg_best",
    name: "Best customers",
    rules: { op: "and", rules: [{ field: "total_spent", operator: "gte", value: "250" }] },
    member_count: 1_904,
    counted_at: ago(4 * 60_000),
    created_at: ago(20 * DAY_MS),
    updated_at: ago(20 * DAY_MS),
    version: 1,
  },
];

export const suggested: MicroSegments = {
  items: [
    {
      id: "mic_champions",
      label: "champions",
      number: 1,
      rules: {
        op: "and",
        rules: [
          { field: "orders_count", operator: "gte", value: 3 },
          { field: "last_order_at", operator: "in_last_days", value: 180 },
        ],
      },
      customers: 1_412,
      facts: {
        orders_per_customer: 6.32,
        spend_per_customer: money(41_220),
        median_days_since_order: 38,
      },
      segment_id: null,
    },
    {
      id: "mic_one_time",
      label: "one_time",
      number: 2,
      rules: {
        op: "and",
        rules: [
          { field: "orders_count", operator: "eq", value: 1 },
          { field: "total_spent", operator: "lt", value: "25" },
          { field: "last_order_at", operator: "not_in_last_days", value: 365 },
        ],
      },
      customers: 10_588,
      facts: {
        orders_per_customer: 1,
        spend_per_customer: money(1_480),
        median_days_since_order: 498,
      },
      segment_id: "seg_lapsed",
    },
  ],
  found_at: ago(26 * 60_000),
  reason: null,
};

export const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"></head>
<body style="margin:0;background:#fbf3ea;font-family:Georgia,serif">
<div style="max-width:560px;margin:32px auto;background:#fff;border-radius:20px;padding:44px">
  <h1 style="font-size:34px;font-weight:400;color:#3a1d12">It has been a while{% if customer.first_name %}, {{ customer.first_name }}{% endif %}</h1>
  <p style="font-size:17px;line-height:1.6;color:#51392e">A good deal has changed since your last order. We would love to show you what came in.</p>
  <p><a href="https://cdnow.example/new" style="display:inline-block;background:#b23f28;color:#fff;padding:16px 30px;border-radius:12px;text-decoration:none">Come and look</a></p>
  <p style="font-size:13px;color:#7d665a">{{ shop.name }} · <a href="{{ unsubscribe_url }}" style="color:#7d665a">Unsubscribe</a></p>
</div>
</body>
</html>`;

export const preview: Preview = {
  version: 0,
  locale: null,
  from_name: "Acme Outdoor",
  subject: "Ada, it has been a while",
  preview_text: "A small thank-you is waiting for you.",
  html: html
    .replace(/\{%.*?%\}/g, "")
    .replace("{{ customer.first_name }}", ", Ada")
    .replace("{{ shop.name }}", "CDNOW Records"),
  text: "It has been a while",
  size_bytes: 4_820,
  customer: customers[0] ?? null,
  missing: ["customer.city"],
};

const templateRows = [
  {
    key: "win-back",
    name: "Win-back",
    description: "A personal note to people who have not ordered for a while.",
    category: "retention",
    subject: "It has been a while",
    html,
  },
  {
    key: "sale",
    name: "Sale",
    description: "A bold offer with a code and a deadline.",
    category: "promotion",
    subject: "20% off this week",
    html: html.replaceAll("#fbf3ea", "#12233f").replace("It has been a while", "20% off, this week only"),
  },
  {
    key: "plain",
    name: "Plain letter",
    description: "Looks like a letter from a person: text, one link, nothing else.",
    category: "news",
    subject: "A short note",
    html: html.replaceAll("#fbf3ea", "#ffffff").replace("It has been a while", "A short note from us"),
  },
];

export const templates: TemplateRow[] = templateRows.map((row) => ({
  ...row,
  mjml: null,
  picture: row.html,
}));

export const look: BrandKit = {
  accent: "#4b2fd6",
  background: "#f4f4f6",
  font: "system",
  logo_url: null,
  address: "CDNOW Records, 1 Main Street, Lisbon",
};

export const savedTemplates: SavedTemplate[] = [
  {
    id: "tpl_letter",
    kind: "template",
    name: "Our letter",
    subject: "News from us",
    preview_text: "",
    html,
    mjml: null,
    version: 2,
    updated_at: ago(HOUR_MS),
  },
  {
    id: "tpl_signature",
    kind: "block",
    name: "Signature",
    subject: "",
    preview_text: "",
    html: "<p>Yours, Robin</p>",
    mjml: null,
    version: 1,
    updated_at: ago(HOUR_MS),
  },
];

export const products: ProductRow[] = ["Kind of Blue", "Blue Train", "Time Out"].map((title, index) => ({
  gid: `gid://shopify/Product/${index + 1}`,
  title,
  image_url: null,
  price: { amount_minor: 1_299 + index * 300, currency: "USD" },
}));

export const campaign: Campaign = {
  id: "cmp_draft",
  name: "Win-back, November",
  state: "draft",
  segment_id: "seg_lapsed",
  subject: "{{ customer.first_name|default('Hello') }}, it has been a while",
  preview_text: "A small thank-you is waiting for you.",
  from_name: "CDNOW Records",
  from_email: "news@cdnow.example",
  reply_to: "",
  html,
  mjml: null,
  product_gids: [],
  topic_id: null,
  discount_id: null,
  discount_path: "/",
  template_key: "win-back",
  scheduled_at: null,
  holdout_percent: 0,
  excluded_segment_ids: [],
  origin: null,
  priority: "campaign",
  pacing: {
    mode: "at_once",
    passed: "at_once",
    batches: null,
    every_minutes: null,
    per_hour: null,
    give_up_days: 7,
  },
  tested: false,
  winner: null,
  version: 4,
  created_at: ago(3 * HOUR_MS),
  updated_at: ago(HOUR_MS),
  started_at: null,
  finished_at: null,
  audience_size: null,
  pause_reason: null,
};

export const designCampaign: Campaign = {
  ...campaign,
  id: "cmp_design",
  name: "Welcome",
  mjml: `<mjml lang="en">
  <mj-head>
    <mj-attributes>
      <mj-all font-family="{{ brand.font }}" />
      <mj-text color="#3a3a45" font-size="16px" padding="0 44px 18px" />
      <mj-button background-color="{{ brand.accent }}" color="{{ brand.on_accent }}" />
    </mj-attributes>
  </mj-head>
  <mj-body background-color="{{ brand.background }}">
    <mj-section background-color="{{ brand.accent }}" padding="44px 0">
      <mj-column>
        <mj-text align="center" color="{{ brand.on_accent }}" font-size="13px">Welcome{% if customer.first_name %}, {{ customer.first_name|default("you") }}{% endif %}</mj-text>
      </mj-column>
    </mj-section>
    <mj-raw>{% for product in products.picked %}{% if loop.index <= 4 %}</mj-raw>
    <mj-section background-color="#ffffff">
      <mj-column>
        <mj-image src="{{ product.image_url }}" alt="{{ product.title }}" />
        <mj-text>{{ product.title }}<br />Tom &amp; Ann</mj-text>
        <mj-button href="{{ product.url }}">See it</mj-button>
      </mj-column>
    </mj-section>
    <mj-raw>{% endif %}{% endfor %}</mj-raw>
    <mj-section>
      <mj-column>
        <mj-table><tbody>{% for line in order.lines %}<tr><td>{{ line.title }}</td></tr>{% endfor %}</tbody></mj-table>
        <mj-text font-size="13px"><a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
`,
};

export const sentCampaign: Campaign = {
  ...campaign,
  id: "cmp_sent",
  name: "Autumn new arrivals",
  state: "sent",
  subject: "Just in: 40 records for the long evenings",
  started_at: ago(3 * DAY_MS),
  finished_at: ago(3 * DAY_MS - 12 * 60_000),
  audience_size: 8_120,
};

export const campaignRows: CampaignRow[] = [
  {
    id: "cmp_draft",
    name: campaign.name,
    state: "draft",
    subject: campaign.subject,
    segment_name: "Bought twice, then stopped",
    scheduled_at: null,
    finished_at: null,
    audience_size: null,
    sent: 0,
    opens: 0,
    clicks: 0,
    orders: 0,
    revenue: money(0),
    revenue_per_recipient_minor: null,
  },
  {
    id: "cmp_live",
    name: "Best customers first",
    state: "sending",
    subject: "You hear it before anyone",
    segment_name: "Best customers",
    scheduled_at: null,
    finished_at: null,
    audience_size: 1_904,
    sent: 1_210,
    opens: 102,
    clicks: 31,
    orders: 1,
    revenue: money(48_90),
    revenue_per_recipient_minor: 4,
  },
  {
    id: "cmp_sent",
    name: sentCampaign.name,
    state: "sent",
    subject: sentCampaign.subject,
    segment_name: "Best customers",
    scheduled_at: null,
    finished_at: sentCampaign.finished_at,
    audience_size: 8_120,
    sent: 8_064,
    opens: 3_105,
    clicks: 612,
    orders: 231,
    revenue: money(18_422_50),
    revenue_per_recipient_minor: 228,
  },
  {
    id: "cmp_old",
    name: "Back to school",
    state: "sent",
    subject: "The first chapter",
    segment_name: "Best customers",
    scheduled_at: null,
    finished_at: ago(24 * DAY_MS),
    audience_size: 6_240,
    sent: 6_201,
    opens: 2_010,
    clicks: 344,
    orders: 97,
    revenue: money(7_310_00),
    revenue_per_recipient_minor: 118,
  },
];

export const gate: Gate = {
  ready: true,
  checks: [
    { code: "sender", level: "ok", facts: {} },
    { code: "subject", level: "ok", facts: {} },
    { code: "template", level: "ok", facts: {} },
    { code: "unsubscribe_link", level: "ok", facts: {} },
    { code: "recipients", level: "ok", facts: { members: 4_812, recipients: 4_701 } },
    { code: "links", level: "ask", facts: { placeholders: ["https://example.com/"] } },
    {
      code: "exclusions",
      level: "ok",
      facts: {
        members: 4_812,
        excluded: 111,
        percent: 2,
        reasons: { not_subscribed: 84, suppressed: 19, invalid_email: 8 },
      },
    },
    {
      code: "complaint_rate",
      level: "ask",
      facts: { returned: 16, window_days: 30, messages: 8_064, percent: 0.2, limit_percent: 0.3 },
    },
    { code: "bounce_rate", level: "ok", facts: { returned: 4, window_days: 30 } },
  ],
};

export const liveGate: Gate["checks"] = [
  {
    code: "links_answer",
    level: "ask",
    facts: { asked: 3, unknown: 0, broken: ["https://acme.example/old"] },
  },
  { code: "stock", level: "ok", facts: {} },
  {
    code: "waits",
    level: "ask",
    facts: { recipients: 4_701, waiting: 2_310, reasons: { quiet_hours: 2_300, policy_expired: 10 } },
  },
];

export const audience = {
  members: 4_812,
  recipients: 4_701,
  exclusions: [
    { reason: "not_subscribed", count: 84 },
    { reason: "suppressed", count: 19 },
    { reason: "invalid_email", count: 8 },
  ],
};

export const deliverability: Deliverability = {
  domains: [
    {
      domain: "gmail.com",
      recipients: 4_820,
      accepted: 4_815,
      deferred: 130,
      refused: 5,
      bounced: 4,
      opened: 1_904,
      clicked: 371,
      complained: 1,
    },
    {
      domain: null,
      recipients: 1_346,
      accepted: 1_343,
      deferred: 12,
      refused: 2,
      bounced: 2,
      opened: 499,
      clicked: 100,
      complained: 0,
    },
  ],
  errors: [
    {
      state: "failed",
      reason: "hard_bounce",
      code: 550,
      enhanced: "5.1.1",
      text: "<address> mailbox unavailable",
      count: 9,
    },
  ],
};

export const report: Report = {
  state: "sent",
  counts: { audience: 8_120, pending: 0, accepted: 8_064, failed: 12, unknown: 1, excluded: 43 },
  rate_per_s: null,
  eta_s: null,
  funnel: [
    { step: "sent", people: 8_064 },
    { step: "delivered", people: 8_049 },
    { step: "opened", people: 3_105 },
    { step: "clicked", people: 612 },
    { step: "ordered", people: 231 },
  ],
  opens: { human: 4_410, machine: 2_140, unknown: 40, machine_only: 1_210 },
  clicks: { human: 803, machine: 96, unknown: 0, machine_only: 24 },
  bounced: 15,
  complained: 2,
  unsubscribed: 31,
  orders: 231,
  revenue: money(18_422_50),
  revenue_over_time: Array.from({ length: 24 }, (_, index) => ({
    at: ago(3 * DAY_MS - index * 3 * HOUR_MS),
    amount_minor: Math.max(4_000, wave(index, 76_760, 60_000) - index * 1_500),
  })),
  links: [
    {
      number: 1,
      url: "https://cdnow.example/collections/new?utm_source=storecast",
      personal: false,
      clicks: 540,
      people: 421,
      machine_clicks: 60,
    },
    {
      number: 2,
      url: "https://cdnow.example/for/{{ customer.city }}",
      personal: true,
      clicks: 201,
      people: 160,
      machine_clicks: 21,
    },
    {
      number: 3,
      url: "https://cdnow.example/",
      personal: false,
      clicks: 62,
      people: 58,
      machine_clicks: 15,
    },
  ],
  codes: { discount_id: "dsc_1", title: "Ten off", sent: 8_064, redeemed: 118, revenue: money(9_211_00) },
  exclusions: [
    { reason: "not_subscribed", count: 31 },
    { reason: "suppressed", count: 12 },
  ],
  waiting: [],
  started_at: sentCampaign.started_at,
  finished_at: sentCampaign.finished_at,
};

const arm = (number: number, subject: string, clicked: number) => ({
  number,
  subject,
  from_name: "CDNOW Records",
  delay_minutes: 0,
  recipients: 812,
  opened: 300 + clicked,
  clicked,
  ordered: 9,
  revenue: money(412_00),
  estimate: clicked / 812,
  low: clicked / 812 - 0.012,
  high: clicked / 812 + 0.014,
});

/** A test that cannot say yet which version is better. */
export const testResult: VersionTestResult = {
  metric: "clicks",
  phase: "undecided",
  arms: [arm(0, "It has been a while", 41), arm(1, "We kept something for you", 52)],
  leader: 1,
  significant: false,
  p_value: 0.24,
  more_needed: 5_310,
  winner: null,
  winner_by: null,
  judged_at: ago(-2 * HOUR_MS),
  waiting: 6_496,
};

export const recipients: Recipient[] = customers.map((customer, index) => ({
  customer,
  state: index === 5 ? "excluded" : index === 4 ? "failed" : "accepted",
  reason: index === 5 ? "not_subscribed" : null,
  attempts: index === 5 ? 0 : 1,
  accepted_at: index < 4 ? ago(3 * DAY_MS - index * 1_000) : null,
  variant: 0,
  due_at: null,
  reply: index === 4 ? "550 5.1.1 mailbox unavailable" : index === 5 ? null : "250 2.0.0 queued",
  events:
    index < 2
      ? [
          { kind: "open", at: ago(2 * DAY_MS), verdict: "human", url: null },
          {
            kind: "click",
            at: ago(2 * DAY_MS - 60_000),
            verdict: "human",
            url: "https://cdnow.example/products/blue-train",
          },
        ]
      : [],
  order: index === 0 ? { name: "#1042", revenue: money(8_990) } : null,
}));

export const story: RecipientStory = {
  customer: customers[0] as CustomerRow,
  email: customers[0]?.email ?? null,
  segment_name: "Best customers",
  subject: sentCampaign.subject,
  steps: (
    [
      { kind: "frozen", at: ago(3 * DAY_MS) },
      { kind: "deferred", at: null, attempts: 1 },
      { kind: "accepted", at: ago(3 * DAY_MS - 60_000), attempts: 2, reply: "250 2.0.0 queued" },
      { kind: "open", at: ago(3 * DAY_MS - 61_000), verdict: "machine" },
      { kind: "open", at: ago(2 * DAY_MS), verdict: "human" },
      {
        kind: "click",
        at: ago(2 * DAY_MS - 60_000),
        verdict: "human",
        url: "https://cdnow.example/products/blue-train",
      },
      {
        kind: "order",
        at: ago(2 * DAY_MS - 3_600_000),
        order: { name: "#1042", revenue: money(8_990) },
        credited_by: "click",
        touch_at: ago(2 * DAY_MS - 60_000),
      },
    ] as const
  ).map((step) => ({
    reason: null,
    attempts: null,
    until: null,
    reply: null,
    message_id: null,
    verdict: null,
    url: null,
    order: null,
    credited_by: null,
    touch_at: null,
    ...step,
  })),
};

export const heatMessage = {
  subject: "New this week",
  html: `<html><body style="font-family:sans-serif;padding:24px"><h1>New this week</h1>
    <p><a href="#link-1" style="display:inline-block;padding:12px 20px;background:#1f5199;color:#fff">See all</a></p>
    <p><a href="#link-2">In your town</a> <a href="#link-3">The shop</a> <a href="mailto:a@b.example">Write</a></p>
    </body></html>`,
};

const compared = (row: CampaignRow): Comparison["campaigns"][number] => ({
  id: row.id,
  name: row.name,
  state: row.state,
  subject: row.subject,
  started_at: row.finished_at,
  audience: row.audience_size ?? 0,
  sent: row.sent,
  delivered: row.sent - 15,
  opened: row.opens,
  clicked: row.clicks,
  ordered: row.orders,
  bounced: 15,
  complained: 2,
  unsubscribed: 31,
  opens: { human: row.opens, machine: 400, unknown: 0, machine_only: 300 },
  clicks: { human: row.clicks, machine: 40, unknown: 0, machine_only: 10 },
  orders: row.orders,
  revenue: row.revenue,
});

export const comparisonOf = (ids: readonly string[]): Comparison => ({
  campaigns: ids.flatMap((id) => campaignRows.filter((row) => row.id === id).map(compared)),
});

export const overview: Overview = {
  currency: "USD",
  timezone: "America/New_York",
  revenue: Array.from({ length: 30 }, (_, index) => {
    const total_minor = wave(index, 310_000, 90_000);
    return {
      date: day(29 - index),
      total_minor,
      attributed_minor: Math.max(0, wave(index + 3, 62_000, 52_000)),
      orders: Math.round(total_minor / 3_600),
    };
  }),
  total: money(92_640_00),
  attributed: money(25_732_50),
  share: 0.2777,
  previous_total: money(88_100_00),
  previous_attributed: money(19_340_00),
  orders: 2_573,
  aov: money(36_00),
  funnel: [
    { step: "page_viewed", sessions: 18_204 },
    { step: "product_viewed", sessions: 11_020 },
    { step: "product_added_to_cart", sessions: 3_911 },
    { step: "checkout_started", sessions: 2_210 },
    { step: "checkout_completed", sessions: 1_604 },
  ],
  by_campaign: [
    { id: "cmp_sent", name: "Autumn new arrivals", revenue: money(18_422_50), orders: 231 },
    { id: "cmp_old", name: "Back to school", revenue: money(7_310_00), orders: 98 },
  ],
  model: { name: "last_touch", click_days: 5, open_days: 1 },
};

export const syncRun: SyncRun = {
  id: "syn_1",
  kind: "first",
  mode: "bulk",
  batch_size: null,
  custom_query: null,
  state: "done",
  started_at: ago(6 * HOUR_MS),
  finished_at: ago(6 * HOUR_MS - 94_000),
  error: null,
  resources: [
    {
      resource: "customers",
      state: "done",
      objects_expected: 23_570,
      rows_done: 23_570,
      rows_refused: 0,
      bytes_done: 9_100_000,
      bytes_total: 9_100_000,
      refusals: [],
      refused_by_reason: [],
      skipped_reason: null,
    },
    {
      resource: "products",
      state: "done",
      objects_expected: 420,
      rows_done: 420,
      rows_refused: 0,
      bytes_done: 300_000,
      bytes_total: 300_000,
      refusals: [],
      refused_by_reason: [],
      skipped_reason: null,
    },
    {
      resource: "orders",
      state: "done",
      objects_expected: 69_659,
      rows_done: 69_659,
      rows_refused: 0,
      bytes_done: 41_000_000,
      bytes_total: 41_000_000,
      refusals: [],
      refused_by_reason: [],
      skipped_reason: null,
    },
  ],
  progress: 1,
};

export const reconciliation: Reconciliation = {
  id: 7,
  resource: "orders",
  state: "done",
  theirs: 69_659,
  ours: 69_658,
  missing: 1,
  stale: 2,
  surplus: 0,
  repaired: 3,
  error: null,
  started_at: ago(3 * HOUR_MS),
  finished_at: ago(3 * HOUR_MS - 40_000),
};

export const runningSync: SyncRun = {
  ...syncRun,
  state: "importing",
  finished_at: null,
  progress: 0.41,
  resources: syncRun.resources.map((one) =>
    one.resource === "orders" ? { ...one, state: "importing", rows_done: 28_310 } : one,
  ),
};

export const home: Home = {
  earned: {
    days: 30,
    attributed: money(25_732_50),
    previous: money(19_340_00),
    store_total: money(92_640_00),
    messages_sent: 15_475,
  },
  totals: {
    customers: 23_570,
    products: 420,
    orders: 69_659,
    revenue: money(250_031_563),
    subscribed: 17_204,
  },
  needs: [],
  checklist: [
    { key: "install", done: true },
    { key: "sync", done: true },
    { key: "sender", done: true },
    { key: "pixel", done: false },
    { key: "segment", done: true },
    { key: "campaign", done: true },
  ],
  sync: syncRun,
  recent_campaigns: campaignRows,
  growth: Array.from({ length: 30 }, (_, index) => ({
    date: day(29 - index),
    customers: 23_120 + index * 15 + wave(index, 0, 6),
  })),
};

export const settings: Settings = {
  store: {
    domain: "cdnow.myshopify.com",
    name: "CDNOW Records",
    email: "hello@cdnow.example",
    currency: "USD",
    timezone: "America/New_York",
    plan: "Basic",
    development_store: false,
    state: "installed",
    unavailable_since: null,
  },
  scopes: {
    granted: ["read_customers", "write_customers", "read_orders", "read_products", "write_pixels"],
    missing: ["read_customer_events"],
  },
  token: {
    expires_at: new Date(NOW + 40 * 60_000).toISOString(),
    refresh_expires_at: new Date(NOW + 80 * DAY_MS).toISOString(),
    state: "valid",
  },
  pixel: {
    state: "inactive",
    reason: null,
    error: null,
    missing: [],
    checked_at: null,
    last_event_at: null,
    version: null,
    key: "px_01jd2b9k7h",
  },
  sender: { name: "CDNOW Records", email: "news@cdnow.example", verified: true },
  double_opt_in: false,
  attribution: { click_days: 5, open_days: 1 },
  webhooks: { last_received_at: ago(42_000), waiting: 0, dead: 0 },
};

export const featureList: FeatureList = {
  features: [
    { feature: "people", scopes: ["read_customers"], missing: [], granted: true, optional: false },
    { feature: "orders", scopes: ["read_orders"], missing: [], granted: true, optional: false },
    {
      feature: "pixel",
      scopes: ["write_pixels", "read_customer_events"],
      missing: ["read_customer_events"],
      granted: false,
      optional: false,
    },
    {
      feature: "discounts",
      scopes: ["write_discounts"],
      missing: ["write_discounts"],
      granted: false,
      optional: true,
    },
  ],
  admin_url: "https://cdnow.myshopify.com/admin/apps/key",
};

export const ownShops: SessionShops = {
  items: [
    {
      domain: "cdnow.myshopify.com",
      name: "CDNOW Records",
      role: "owner",
      state: "installed",
      current: true,
    },
    {
      domain: "blue-train.myshopify.com",
      name: "Blue Train",
      role: "admin",
      state: "frozen",
      current: false,
    },
  ],
};

export const contactPolicy: ContactPolicy = {
  frequency_cap: { messages: 2, days: 7 },
  quiet_hours: null,
  holdout_percent: 0,
  holdout_season: "quarter",
  hourly_limit: null,
  domain_hourly_limit: null,
  warm_up: null,
  timezone: "America/New_York",
};
