/** A store's people and API keys, as the API tells them. */
import type { components } from "@/generated/api";

type Schemas = components["schemas"];

const member = (id: string, name: string, role: Schemas["Member"]["role"], more = {}): Schemas["Member"] => ({
  id,
  name,
  email: `${name.split(" ")[0]?.toLowerCase()}@cdnow.example`,
  role,
  active: true,
  account_owner: false,
  last_seen_at: "2026-11-21T12:00:00Z",
  ...more,
});

export const members: Schemas["Members"] = {
  items: [
    member("7", "Robin Vance", "owner", { account_owner: true }),
    member("8", "Ada Admin", "admin"),
    member("9", "Mika Market", "marketer"),
    member("10", "Vic Gone", "viewer", { active: false }),
  ],
};

const key = (id: string, name: string, more = {}): Schemas["ApiKeyRow"] => ({
  id,
  name,
  scopes: ["read"],
  state: "working",
  created_by: "user:7",
  created_at: "2026-10-01T09:00:00Z",
  expires_at: "2027-10-01T09:00:00Z",
  last_used_at: "2026-11-21T11:58:00Z",
  revoked_at: null,
  rotated_from: null,
  ...more,
});

export const apiKeys: Schemas["ApiKeyRow"][] = [
  key("key_0f9a5c3e1b8d6f2a", "Nightly export"),
  key("key_77ab12cd34ef5600", "Segment sync", {
    scopes: ["read", "edit"],
    expires_at: null,
    last_used_at: null,
  }),
  key("key_1122334455667788", "Old export", { state: "revoked", revoked_at: "2026-11-01T09:00:00Z" }),
];

export const newKey: Schemas["ApiKeyWithSecret"] = {
  ...key("key_9999aaaabbbbcccc", "Warehouse", { last_used_at: null }),
  secret: "sck_9999aaaabbbbcccc_Xk3T7m0pQ2",
};
