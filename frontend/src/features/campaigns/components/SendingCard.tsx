import { Banner, BlockStack, Card, Text } from "@shopify/polaris";
import { Progress } from "@/components/Progress";
import type { Translate } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";
import { useRate } from "@/lib/useRate";

interface Props {
  report: Report;
  reason: string | null;
  readAt: number;
}

/** A reason is a code, with what was measured after a colon. */
function reasonInWords(t: Translate, reason: string): string {
  const [code = "", ...rest] = reason.split(":");
  return t.code("pause_reason", code, { detail: rest.join(":").trim() }, reason);
}

/** How far the sending is, while it is not over. */
export function SendingCard({ report, reason, readAt }: Props) {
  const { t } = useI18n();
  const { counts, state } = report;
  const total = counts.audience - counts.excluded;
  const done = total - counts.pending;
  // The audience is drawn first; until then nobody knows how many there are.
  const preparing = state === "sending" && counts.audience === 0;
  const measured = useRate(done, readAt);
  if (state === "failed") {
    return <Banner tone="critical" title={t("report.failed_title")} />;
  }
  if (state === "cancelled") {
    return <Banner title={t("report.cancelled_title", { done, count: total })} />;
  }
  if (state !== "sending" && state !== "paused") return null;
  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingMd">
          {state === "paused"
            ? t("report.paused_title")
            : t(preparing ? "report.preparing_title" : "report.sending_title")}
        </Text>
        {state === "paused" && (
          <Text as="p" tone="caution">
            {reason ? reasonInWords(t, reason) : t("report.paused_body")}
          </Text>
        )}
        <Progress
          label={t("report.progress")}
          done={done}
          total={preparing ? null : total}
          rate={state === "paused" ? null : (report.rate_per_s ?? measured)}
          tone={state === "paused" ? "paused" : "running"}
        />
        <Text as="p" variant="bodySm" tone="subdued">
          {t("report.leave")}
        </Text>
      </BlockStack>
    </Card>
  );
}
