import { BlockStack, Box, Text } from "@shopify/polaris";
import { DatabaseIcon } from "@shopify/polaris-icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { useJobsStream } from "@/features/health/useJobsStream";
import { TasksNav } from "@/features/tasks/components/TasksNav";
import { useI18n } from "@/i18n/useI18n";
import { useActor } from "@/lib/useActor";
import { type QueueRow, queuesQuery } from "../api";
import { LimitsCard } from "../components/LimitsCard";
import { QueueTable } from "../components/QueueTable";
import { troubleOf, worstFirst } from "../state";

const POLL_MS = 5_000;
/** While the stream brings the queues, a look now and then is enough to notice that it lies. */
const LIVE_POLL_MS = 60_000;

function useLiveQueues() {
  const client = useQueryClient();
  const stream = useJobsStream();
  const fresh = stream.snapshot?.summary?.queues;
  useEffect(() => {
    // Only over an answer: before the first one the page is loading, or in error.
    if (fresh) client.setQueryData(queuesQuery.queryKey, (before) => before && [...fresh]);
  }, [client, fresh]);
  return useQuery({ ...queuesQuery, refetchInterval: stream.isLive ? LIVE_POLL_MS : POLL_MS });
}

/** Every line of work: how much waits, for how long, and whether it is getting less. */
export function QueuesPage() {
  const { t } = useI18n();
  const query = useLiveQueues();
  return (
    <Page title={t("queue_page.title")} subtitle={t("queue_page.subtitle")} fullWidth>
      <BlockStack gap="400">
        <TasksNav />
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={(queues) => queues.length === 0}
          empty={
            <EmptyState icon={DatabaseIcon} title={t("queue_page.empty.title")}>
              {t("queue_page.empty.body")}
            </EmptyState>
          }
        >
          {(queues) => (
            <BlockStack gap="400">
              <Finding queues={queues} />
              <QueueTable queues={worstFirst(queues)} />
              <LimitsCard />
            </BlockStack>
          )}
        </QueryView>
      </BlockStack>
    </Page>
  );
}

function Finding({ queues }: { queues: readonly QueueRow[] }) {
  const { t, f } = useI18n();
  const actor = useActor();
  const worst = worstFirst(queues)[0];
  const trouble = worst ? troubleOf(worst) : null;
  const waiting = queues.reduce((sum, queue) => sum + queue.depth, 0);
  const sentence =
    worst && trouble
      ? t(`queue_page.trouble.${trouble}`, {
          queue: t.code("queue", worst.name),
          count: worst.depth,
          time: worst.drain_min === null ? "–" : f.duration(worst.drain_min * 60_000),
          who: actor(worst.paused_by, "by"),
        })
      : waiting > 0
        ? t("queue_page.keeping_up", { count: waiting })
        : t("queue_page.idle");
  const tone = trouble === "nobody" ? "critical" : trouble && trouble !== "paused" ? "caution" : undefined;
  return (
    <div aria-live="polite">
      <Box paddingInline={{ xs: "400", sm: "0" }}>
        <Text as="h2" variant="headingLg" {...(tone ? { tone } : {})}>
          {sentence}
        </Text>
      </Box>
    </div>
  );
}
