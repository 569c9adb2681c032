import type { Translate } from "@/i18n/translate";
import { formatAmount } from "@/lib/amount";
import type { Format } from "@/lib/format";
import type { AlertRule } from "./api";

/** "Oldest wait (queue bulk)": what is watched. */
export function metricWords(rule: Pick<AlertRule, "metric" | "scope">, t: Translate): string {
  const scope = Object.entries(rule.scope ?? {}).map(
    ([name, value]) =>
      `${t.code("alert_scope", name)} ${name === "queue" ? t.code("queue", String(value), {}, String(value)) : String(value)}`,
  );
  const metric = t.code("alert_metric", rule.metric);
  return scope.length > 0 ? `${metric} (${scope.join(", ")})` : metric;
}

/** "above 1m for 5m": when it fires. */
export function conditionWords(rule: AlertRule, t: Translate, f: Format): string {
  const limit = t(`alerts.op.${rule.op}`, { limit: formatAmount(rule.threshold, rule.unit, t, f) });
  return rule.for_s > 0 ? t("alerts.for", { limit, time: f.duration(rule.for_s * 1000) }) : limit;
}

export function isMuted(rule: AlertRule, now: number): boolean {
  return rule.muted_until !== null && Date.parse(rule.muted_until) > now;
}
