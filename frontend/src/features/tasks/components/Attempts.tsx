import { BlockStack, Box, Card, InlineStack, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { JobDetail } from "@/lib/api/types";
import styles from "./Attempts.module.css";

/** What each try did, the last one first, because that is the one that decides. */
export function Attempts({ run }: { run: JobDetail }) {
  const { t, f } = useI18n();
  const attempts = [...run.attempts].sort((a, b) => b.number - a.number);
  return (
    <Card>
      <BlockStack gap="400">
        <Text as="h2" variant="headingMd">
          {t("task.attempts", { number: run.attempt, max: run.max_attempts })}
        </Text>
        {attempts.length === 0 && (
          <Text as="p" tone="subdued">
            {t("task.no_attempt")}
          </Text>
        )}
        {attempts.map((attempt) => (
          <div
            key={attempt.number}
            className={styles.attempt}
            data-failed={attempt.error !== null || undefined}
          >
            <BlockStack gap="200">
              <InlineStack align="space-between" gap="200">
                <Text as="h3" variant="headingSm">
                  {t("task.attempt", { number: attempt.number })}
                </Text>
                <Text as="span" variant="bodySm" tone="subdued">
                  {f.dateTime(attempt.started_at)}
                  {attempt.finished_at &&
                    ` · ${f.duration(Date.parse(attempt.finished_at) - Date.parse(attempt.started_at))}`}
                  {attempt.worker && ` · ${attempt.worker}`}
                </Text>
              </InlineStack>
              <Text as="p" {...(attempt.error ? { tone: "critical" as const } : {})}>
                {attempt.error ?? (attempt.finished_at ? t("task.attempt_ok") : t("task.attempt_running"))}
              </Text>
              {attempt.traceback && (
                <details>
                  <summary>{t("task.traceback")}</summary>
                  <Box overflowX="scroll">
                    <pre className={styles.traceback}>{attempt.traceback}</pre>
                  </Box>
                </details>
              )}
            </BlockStack>
          </div>
        ))}
      </BlockStack>
    </Card>
  );
}
