import type { AlertMetric, AlertRule, NewRule } from "./api";

/** What the form holds: figures as typed, times in minutes, shares in percent. */
export interface RuleDraft {
  title: string;
  metric: string;
  scope: Record<string, string>;
  op: AlertRule["op"];
  threshold: string;
  for_min: string;
  hold_off_min: string;
  channel_ids: AlertRule["channel_ids"];
  enabled: boolean;
}

/** A share is stored as 0.05 and typed as 5. */
function scaleOf(unit: string): number {
  return unit === "ratio" ? 100 : unit === "minor" ? 100 : 1;
}

const shortened = (value: number) => String(Number(value.toFixed(6)));

/** What a figure is usually watched at: the form begins there. */
export function suggestionOf(
  metric: AlertMetric | undefined,
): Pick<RuleDraft, "op" | "threshold" | "for_min"> {
  const { op, threshold, for_s } = metric?.suggested ?? { op: "above", threshold: 0, for_s: 300 };
  return {
    op,
    threshold: shortened(threshold * scaleOf(metric?.unit ?? "")),
    for_min: shortened(for_s / 60),
  };
}

export function draftOf(rule: AlertRule | null, metrics: readonly AlertMetric[]): RuleDraft {
  const metric = metrics.find((one) => one.key === rule?.metric) ?? metrics[0];
  return {
    title: rule?.title ?? "",
    metric: rule?.metric ?? metric?.key ?? "",
    scope: rule?.scope ?? {},
    ...(rule
      ? {
          op: rule.op,
          threshold: shortened(rule.threshold * scaleOf(rule.unit)),
          for_min: shortened(rule.for_s / 60),
        }
      : suggestionOf(metric)),
    hold_off_min: shortened((rule?.hold_off_s ?? 3_600) / 60),
    channel_ids: rule?.channel_ids ?? [],
    enabled: rule?.enabled ?? true,
  };
}

const isNumber = (text: string) => text.trim() !== "" && Number.isFinite(Number(text));

/** The figures that cannot be read, so that they are told before anything is sent. */
export function unreadable(draft: RuleDraft): ("threshold" | "for_s" | "hold_off_s")[] {
  return [
    ...(isNumber(draft.threshold) ? [] : (["threshold"] as const)),
    ...(isNumber(draft.for_min) ? [] : (["for_s"] as const)),
    ...(isNumber(draft.hold_off_min) ? [] : (["hold_off_s"] as const)),
  ];
}

export function bodyOf(draft: RuleDraft, metrics: readonly AlertMetric[]): NewRule {
  const metric = metrics.find((one) => one.key === draft.metric);
  const scope = (metric?.scopes ?? []).flatMap((name) => {
    const value = draft.scope[name]?.trim();
    return value ? [[name, value] as const] : [];
  });
  return {
    title: draft.title.trim(),
    metric: draft.metric,
    scope: Object.fromEntries(scope),
    op: draft.op,
    threshold: Number(draft.threshold) / scaleOf(metric?.unit ?? ""),
    for_s: Math.round(Number(draft.for_min) * 60),
    hold_off_s: Math.round(Number(draft.hold_off_min) * 60),
    channel_ids: draft.channel_ids,
    enabled: draft.enabled,
  };
}
