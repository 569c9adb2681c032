import { BlockStack, Button, ButtonGroup, Card, InlineStack, Link, Text } from "@shopify/polaris";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import type { Attempt, JobDetail } from "@/lib/api/jobTypes";
import { diffLines } from "../diff";
import { qualifier } from "../search";
import styles from "./Errors.module.css";

const MARKS = { same: " ", added: "+", removed: "−" } as const;

function wholeError(attempt: Attempt): string {
  return [attempt.error ?? "", attempt.traceback ?? ""].filter(Boolean).join("\n");
}

/** What went wrong, try by try, the last one first; beside it what changed since the try before. */
export function Errors({ run }: { run: JobDetail }) {
  const { t } = useI18n();
  const failed = [...run.attempts].sort((a, b) => a.number - b.number).filter((one) => one.error !== null);
  const [chosen, setChosen] = useState<number | null>(null);
  const [comparing, setComparing] = useState(false);
  const index = failed.findIndex((one) => one.number === chosen);
  const at = index < 0 ? failed.length - 1 : index;
  const attempt = failed[at];
  const before = failed[at - 1];
  if (!attempt) return null;
  const isSame = before !== undefined && wholeError(before) === wholeError(attempt);
  return (
    <Card>
      <BlockStack gap="300">
        <InlineStack align="space-between" blockAlign="center" gap="200">
          <Text as="h2" variant="headingMd">
            {t("task.error_of", { number: attempt.number })}
          </Text>
          {failed.length > 1 && (
            <ButtonGroup>
              <Button
                size="slim"
                disabled={at === 0}
                onClick={() => setChosen(failed[at - 1]?.number ?? null)}
              >
                {t("task.error_before")}
              </Button>
              <Button
                size="slim"
                disabled={at === failed.length - 1}
                onClick={() => setChosen(failed[at + 1]?.number ?? null)}
              >
                {t("task.error_next")}
              </Button>
              <Button
                size="slim"
                pressed={comparing}
                disabled={!before}
                onClick={() => setComparing(!comparing)}
              >
                {t("task.compare")}
              </Button>
            </ButtonGroup>
          )}
        </InlineStack>
        <p className={styles.message}>{attempt.error}</p>
        {before && (
          <Text as="p" variant="bodySm" tone="subdued">
            {t(isSame ? "task.same_error" : "task.other_error", { number: before.number })}
          </Text>
        )}
        {comparing && before && !isSame && <Diff before={before} after={attempt} />}
        {attempt.traceback && !comparing && (
          <details>
            <summary>{t("task.traceback")}</summary>
            <pre className={styles.code}>{attempt.traceback}</pre>
          </details>
        )}
        {run.fingerprint && (
          <Link url={`/tasks?state=dead&q=${encodeURIComponent(qualifier("fingerprint", run.fingerprint))}`}>
            {t("task.same_fingerprint")}
          </Link>
        )}
      </BlockStack>
    </Card>
  );
}

function Diff({ before, after }: { before: Attempt; after: Attempt }) {
  const { t } = useI18n();
  return (
    <section aria-label={t("task.diff_label", { from: before.number, to: after.number })}>
      <pre className={styles.code}>
        {diffLines(wholeError(before), wholeError(after)).map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines repeat, and their place is what tells them apart
          <span key={index} className={styles.line} data-kind={line.kind}>
            <span className={styles.mark} aria-hidden="true">
              {MARKS[line.kind]}
            </span>
            {line.text}
          </span>
        ))}
      </pre>
    </section>
  );
}
