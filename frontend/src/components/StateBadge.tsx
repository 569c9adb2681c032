import { Badge, type BadgeProps } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";

/** Colour only for meaning; the word carries it. */
const TONES: Record<string, BadgeProps["tone"]> = {
  active: "success",
  accepted: "success",
  alive: "success",
  cancelled: undefined,
  cancelling: "warning",
  dead: "critical",
  done: "success",
  draft: undefined,
  error: "critical",
  excluded: undefined,
  expired: "critical",
  failed: "critical",
  failing: "critical",
  frozen: "warning",
  granted: "success",
  importing: "info",
  inactive: "attention",
  installed: "success",
  late: "warning",
  lost: "critical",
  ok: "success",
  paused: "warning",
  pending: "info",
  claimed: "info",
  closed: "critical",
  missing: "critical",
  queued: "info",
  reauthorize: "critical",
  retrying: "warning",
  running: "info",
  scheduled: "attention",
  sending: "info",
  sent: "success",
  staged: undefined,
  subscribed: "success",
  succeeded: "success",
  unknown: "warning",
  uninstalled: "critical",
  unverified: "attention",
  valid: "success",
  working: "success",
  verified: "success",
};

/** The state of a campaign, run, process or delivery, in the catalogue's word for it unless `label` has another. */
export function StateBadge({ state, label }: { state: string; label?: string }) {
  const { t } = useI18n();
  const tone = TONES[state];
  return <Badge {...(tone ? { tone } : {})}>{label ?? t.code("status", state)}</Badge>;
}
