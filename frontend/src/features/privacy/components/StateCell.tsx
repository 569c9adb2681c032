import { Badge } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { PrivacyRequest } from "../api";

const TONES = { none: "info", soon: "warning", overdue: "critical" } as const;

/** Done, or how pressing it is. */
export function StateCell({ request }: { request: PrivacyRequest }) {
  const { t } = useI18n();
  if (request.refused) return <Badge tone="attention">{t("privacy.state.refused")}</Badge>;
  if (request.state === "done") return <Badge tone="success">{t("privacy.state.done")}</Badge>;
  return <Badge tone={TONES[request.urgency]}>{t(`privacy.state.${request.urgency}`)}</Badge>;
}
