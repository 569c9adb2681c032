import { BlockStack, Box, Button, Card, Text } from "@shopify/polaris";
import { useInfiniteQuery } from "@tanstack/react-query";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { JobDetail, JobLogLine } from "@/lib/api/jobTypes";
import { logsQuery } from "../api";
import { isOver } from "../states";
import styles from "./Logs.module.css";

const LIVE_MS = 5_000;

/** What the run wrote down, oldest first. */
export function Logs({ run }: { run: JobDetail }) {
  const { t } = useI18n();
  const query = useInfiniteQuery({
    ...logsQuery(run.id),
    refetchInterval: isOver(run.state) ? false : LIVE_MS,
  });
  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingMd">
          {t("task.logs")}
        </Text>
        <QueryView
          query={query}
          skeleton={<TableSkeleton rows={3} />}
          isEmpty={(data) => data.pages.every((page) => page.items.length === 0)}
          empty={
            <Text as="p" tone="subdued">
              {t("task.no_logs")}
            </Text>
          }
        >
          {(data) => (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
            <ol className={styles.lines} tabIndex={0}>
              {data.pages
                .flatMap((page) => page.items)
                .map((line, index) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: lines are only ever added at the end
                  <Line key={index} line={line} />
                ))}
            </ol>
          )}
        </QueryView>
        {query.hasNextPage && (
          <Box>
            <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              {t("task.more_logs")}
            </Button>
          </Box>
        )}
      </BlockStack>
    </Card>
  );
}

function Line({ line }: { line: JobLogLine }) {
  const { f } = useI18n();
  const facts = Object.entries(line.facts);
  return (
    <li className={styles.line}>
      <time dateTime={line.at} title={f.dateTime(line.at)}>
        {f.clock(line.at)}
      </time>
      <span className={styles.level} data-level={line.level}>
        {line.level}
      </span>
      <span className={styles.text}>
        {line.event}
        {facts.length > 0 && (
          <span className={styles.facts}>
            {facts.map(
              ([key, value]) => ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
            )}
          </span>
        )}
      </span>
    </li>
  );
}
