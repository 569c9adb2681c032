import { Badge, type BadgeProps } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";

const TONES: Record<string, BadgeProps["tone"]> = {
  subscribed: "success",
  pending: "info",
  unsubscribed: "warning",
  invalid: "critical",
};

/** Whether somebody wants messages, in the words of both channels. */
export function ConsentBadge({ state }: { state: string }) {
  const { t } = useI18n();
  const tone = TONES[state];
  return <Badge {...(tone ? { tone } : {})}>{t.code("consent", state)}</Badge>;
}
