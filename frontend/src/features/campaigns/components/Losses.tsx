import { BlockStack, Card, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";
import styles from "./AudienceCard.module.css";

/** Who did not get the message, and why. */
export function Losses({ report }: { report: Report }) {
  const { t } = useI18n();
  const { exclusions, counts } = report;
  const none = exclusions.length === 0 && counts.failed === 0 && counts.unknown === 0;
  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingMd">
          {t("report.losses.title")}
        </Text>
        {none && (
          <Text as="p" tone="subdued">
            {counts.pending > 0 || counts.audience === 0
              ? t("report.losses.none_yet")
              : t("report.losses.none")}
          </Text>
        )}
        <Reasons title={t("report.losses.excluded", { count: counts.excluded })} reasons={exclusions} />
        {counts.failed > 0 && <Text as="p">{t("report.losses.refused", { count: counts.failed })}</Text>}
        {counts.unknown > 0 && (
          <Text as="p" tone="caution">
            {t("report.losses.unknown", { count: counts.unknown })}
          </Text>
        )}
      </BlockStack>
    </Card>
  );
}

function Reasons({ title, reasons }: { title: string; reasons: Report["exclusions"] }) {
  const { t, f } = useI18n();
  if (reasons.length === 0) return null;
  return (
    <BlockStack gap="100">
      <Text as="h3" variant="headingSm">
        {title}
      </Text>
      <ul className={styles.exclusions}>
        {reasons.map((one) => (
          <li key={one.reason}>
            <span>{t.code("exclusion", one.reason)}</span>
            <span>{f.number(one.count)}</span>
          </li>
        ))}
      </ul>
    </BlockStack>
  );
}
