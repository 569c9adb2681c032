/** A channel as its form holds it, and back. */
import type { ChannelInput, SendingChannel } from "./api";

export const KINDS = ["smtp", "ses", "sendgrid", "mailgun", "postmark"] as const;
export const SECURITIES = ["starttls", "tls", "none"] as const;

/** The text fields of each kind, in the order of the form. */
export const CONFIG_FIELDS = {
  smtp: ["host", "port", "username"],
  ses: ["region", "username"],
  sendgrid: ["region"],
  mailgun: ["domain", "region"],
  postmark: ["stream"],
} as const;

interface Draft {
  kind: ChannelInput["kind"];
  title: string;
  security: (typeof SECURITIES)[number];
  host: string;
  port: string;
  username: string;
  region: string;
  domain: string;
  stream: string;
  secret: string;
  returnsSecret: string;
  connections: string;
  perSecond: string;
  enabled: boolean;
}

export function draftOf(channel: SendingChannel | null): Draft {
  const config = channel?.config;
  return {
    kind: channel?.kind ?? "smtp",
    title: channel?.title ?? "",
    security: config?.security ?? "starttls",
    host: config?.host ?? "",
    port: config?.port ? String(config.port) : "",
    username: config?.username ?? "",
    region: config?.region ?? "",
    domain: config?.domain ?? "",
    stream: config?.stream ?? "",
    secret: "",
    returnsSecret: "",
    connections: String(channel?.connections ?? 4),
    perSecond: channel?.per_second ? String(channel.per_second) : "",
    enabled: channel?.enabled ?? true,
  };
}

export function inputOf(draft: Draft): ChannelInput {
  const fields: readonly string[] = CONFIG_FIELDS[draft.kind];
  const text = (name: "host" | "username" | "region" | "domain" | "stream") =>
    fields.includes(name) ? draft[name].trim() || null : null;
  return {
    kind: draft.kind,
    title: draft.title.trim(),
    config: {
      host: text("host"),
      port: draft.kind === "smtp" && draft.port ? Number(draft.port) : null,
      security: draft.kind === "smtp" ? draft.security : null,
      username: text("username"),
      region: text("region"),
      domain: text("domain"),
      stream: text("stream"),
    },
    secret: draft.secret || null,
    returns_secret: draft.returnsSecret.trim() || null,
    connections: Number(draft.connections),
    per_second: draft.perSecond ? Number(draft.perSecond) : null,
    enabled: draft.enabled,
  };
}
