import type { SendingChannels, SendingDomain } from "@/features/sending/api";
import type { Suppression, Topic } from "@/features/sending/recipientsApi";

interface Page<Row> {
  items: Row[];
  next_cursor: string | null;
}

const CHECKED = "2026-11-22T03:30:00Z";
const KEY = `v=DKIM1; k=rsa; p=${"MIIBIjANBgkq".repeat(30)}`;

function records(domain: string): SendingDomain["records"] {
  return [
    {
      purpose: "dkim_rsa",
      name: `sc1r._domainkey.${domain}`,
      value: KEY,
      optional: false,
      key_state: "active",
    },
    {
      purpose: "dkim_ed25519",
      name: `sc1e._domainkey.${domain}`,
      value: "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
      optional: true,
      key_state: "active",
    },
    { purpose: "spf", name: domain, value: "v=spf1 mx ~all", optional: false, key_state: null },
    {
      purpose: "dmarc",
      name: `_dmarc.${domain}`,
      value: "v=DMARC1; p=none",
      optional: false,
      key_state: null,
    },
  ];
}

function check(
  code: SendingDomain["checks"][number]["code"],
  state: SendingDomain["checks"][number]["state"],
  more: Partial<SendingDomain["checks"][number]> = {},
) {
  return { code, state, name: "mail.acme.example", problem: null, found: [], ...more };
}

export const verified: SendingDomain = {
  id: "dom_1",
  domain: "mail.acme.example",
  state: "verified",
  checks: [
    check("dkim_rsa", "ok"),
    check("dkim_ed25519", "ok"),
    check("spf", "wrong", { problem: "several", found: ["v=spf1 mx ~all", "v=spf1 a -all"] }),
    check("dmarc", "ok"),
  ],
  records: records("mail.acme.example"),
  dmarc_policy: "quarantine",
  rotating: false,
  checked_at: CHECKED,
  verified_at: CHECKED,
  created_at: CHECKED,
};

export const unverified: SendingDomain = {
  ...verified,
  id: "dom_2",
  domain: "news.acme.example",
  state: "unverified",
  checks: [],
  records: records("news.acme.example").map((record) => ({
    ...record,
    key_state: record.key_state ? "pending" : null,
  })),
  dmarc_policy: null,
  checked_at: null,
  verified_at: null,
};

export const domains: SendingDomain[] = [verified, unverified];

const nowhere = {
  host: null,
  port: null,
  security: null,
  username: null,
  region: null,
  domain: null,
  stream: null,
};

export const channels: SendingChannels = {
  channels: [
    {
      id: "chn_1",
      kind: "smtp",
      title: "Our relay",
      enabled: true,
      config: { ...nowhere, host: "smtp.acme.example", port: 587, security: "starttls", username: "news" },
      has_secret: true,
      returns_url: "https://storecast.example/returns/chn_1/0123456789abcdef",
      has_returns_secret: false,
      connections: 4,
      per_second: 50,
      signs_itself: false,
      tested_at: CHECKED,
      error: null,
    },
    {
      id: "chn_2",
      kind: "postmark",
      title: "Spare",
      enabled: true,
      config: { ...nowhere, stream: "broadcast" },
      has_secret: true,
      returns_url: "https://storecast.example/returns/chn_2/fedcba9876543210",
      has_returns_secret: true,
      connections: 2,
      per_second: null,
      signs_itself: true,
      tested_at: CHECKED,
      error: "Postmark answered 401 No such token.",
    },
  ],
  installation_servers: 1,
  in_use: "shop",
};

export const suppressions: Page<Suppression> = {
  items: [
    { id: "a1b2c3d4e5f6".padEnd(64, "0"), reason: "complaint", source: "postmark", created_at: CHECKED },
    {
      id: "b1b2c3d4e5f6".padEnd(64, "0"),
      reason: "unsubscribed",
      source: "campaign 41",
      created_at: CHECKED,
    },
    { id: "c1b2c3d4e5f6".padEnd(64, "0"), reason: "manual", source: "user:7", created_at: CHECKED },
  ],
  next_cursor: null,
};

export const topics: Topic[] = [
  { id: "top_1", name: "New arrivals", description: "What has just come in.", archived: false },
  { id: "top_2", name: "Magazine", description: "", archived: true },
];
