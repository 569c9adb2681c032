import { BlockStack, Card, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";
import styles from "./AudienceCard.module.css";

/** Messages that are put off: nobody is forgotten, and why and until when is no secret. */
export function WaitingCard({ report }: { report: Report }) {
  const { t, f } = useI18n();
  if (report.waiting.length === 0) return null;
  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingMd">
          {t("waiting.title")}
        </Text>
        <ul className={styles.exclusions}>
          {report.waiting.map(({ reason, count, next_at }) => (
            <li key={reason}>
              <span>
                {t.code("waiting_for", reason)}
                {next_at && (
                  <Text as="span" tone="subdued">
                    {` · ${t("waiting.next", { time: f.dateTime(next_at) })}`}
                  </Text>
                )}
              </span>
              <span>{f.number(count)}</span>
            </li>
          ))}
        </ul>
        <Text as="p" variant="bodySm" tone="subdued">
          {t("waiting.why")}
        </Text>
      </BlockStack>
    </Card>
  );
}
