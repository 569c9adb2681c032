import { BlockStack, Card, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";
import styles from "./AudienceCard.module.css";

/** Who did not get the message, and why. */
export function Losses({ report }: { report: Report }) {
  const { t, f } = useI18n();
  const { exclusions, errors, counts } = report;
  const none = exclusions.length === 0 && errors.length === 0 && counts.unknown === 0;
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
        {exclusions.length > 0 && (
          <BlockStack gap="100">
            <Text as="h3" variant="headingSm">
              {t("report.losses.excluded", { count: counts.excluded })}
            </Text>
            <ul className={styles.exclusions}>
              {exclusions.map((one) => (
                <li key={one.reason}>
                  <span>{t.code("exclusion", one.reason)}</span>
                  <span>{f.number(one.count)}</span>
                </li>
              ))}
            </ul>
          </BlockStack>
        )}
        {errors.length > 0 && (
          <BlockStack gap="100">
            <Text as="h3" variant="headingSm">
              {t("report.losses.refused", { count: counts.failed })}
            </Text>
            <ul className={styles.exclusions}>
              {errors.map((one) => (
                <li key={one.reply}>
                  <code>{one.reply}</code>
                  <span>{f.number(one.count)}</span>
                </li>
              ))}
            </ul>
          </BlockStack>
        )}
        {counts.unknown > 0 && (
          <Text as="p" tone="caution">
            {t("report.losses.unknown", { count: counts.unknown })}
          </Text>
        )}
      </BlockStack>
    </Card>
  );
}
