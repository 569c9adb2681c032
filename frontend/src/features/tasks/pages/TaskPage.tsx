import { BlockStack, Box, Card, InlineGrid, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "react-router";
import { ErrorState } from "@/components/ErrorState";
import { Facts } from "@/components/Facts";
import { Page } from "@/components/Page";
import { Progress } from "@/components/Progress";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { JobDetail } from "@/lib/api/types";
import { useMay } from "@/lib/useSession";
import { runQuery, useCancelRun, useRetryRun } from "../api";
import { Attempts } from "../components/Attempts";
import { jobTitle } from "../jobTitle";

const RETRIABLE = ["dead", "cancelled"];
const CANCELLABLE = ["staged", "queued", "running", "retrying"];

export function TaskPage() {
  const { t } = useI18n();
  const { jobId = "" } = useParams();
  const navigate = useNavigate();
  const query = useQuery(runQuery(jobId));
  const retry = useRetryRun(jobId);
  const cancel = useCancelRun(jobId);
  const mayOperate = useMay("operate");
  const run = query.data;
  const failure = retry.error ?? cancel.error;

  return (
    <Page
      title={run ? jobTitle(t, run) : t("task.title")}
      titleMetadata={run ? <StateBadge state={run.state} /> : undefined}
      backAction={{ content: t("nav.tasks"), url: "/tasks" }}
      {...(run && mayOperate && RETRIABLE.includes(run.state)
        ? {
            primaryAction: {
              content: t("task.retry"),
              loading: retry.isPending,
              // It runs as a new task; this one stays as it ended.
              onAction: () =>
                retry.mutate(undefined, { onSuccess: (again) => void navigate(`/tasks/${again.id}`) }),
            },
          }
        : {})}
      secondaryActions={
        run && mayOperate && CANCELLABLE.includes(run.state)
          ? [
              {
                content: t("task.cancel"),
                destructive: true,
                loading: cancel.isPending,
                onAction: () => cancel.mutate(),
              },
            ]
          : []
      }
    >
      <BlockStack gap="400">
        {failure && <ErrorState error={failure} title={t("task.action_failed")} />}
        <QueryView
          query={query}
          skeleton={
            <LoadingRegion>
              <CardSkeleton lines={8} />
            </LoadingRegion>
          }
        >
          {(data) => <TaskContent run={data} />}
        </QueryView>
      </BlockStack>
    </Page>
  );
}

function TaskContent({ run }: { run: JobDetail }) {
  const { t, f } = useI18n();
  return (
    <InlineGrid columns={{ xs: 1, md: ["twoThirds", "oneThird"] }} gap="400" alignItems="start">
      <BlockStack gap="400">
        {run.progress && (
          <Card>
            <Progress
              label={run.progress.note || t("progress.working")}
              done={run.progress.done}
              total={run.progress.total}
              tone={run.state === "dead" ? "failed" : "running"}
            />
          </Card>
        )}
        <Attempts run={run} />
      </BlockStack>
      <Card>
        <BlockStack gap="300">
          <Text as="h2" variant="headingMd">
            {t("task.facts")}
          </Text>
          <Facts
            facts={[
              [t("task.job"), <code key="job">{run.name}</code>],
              [t("task.id"), <code key="id">{run.id}</code>],
              [t("task.queue"), t.code("queue", run.queue)],
              [t("task.enqueued"), <TimeAgo key="enqueued" at={run.enqueued_at} />],
              [t("task.waited"), run.wait_ms === null ? "–" : f.duration(run.wait_ms)],
              [t("task.ran"), run.run_ms === null ? "–" : f.duration(run.run_ms)],
              [t("task.worker"), run.worker ?? "–"],
              [t("task.request_id"), run.request_id ? <code key="request">{run.request_id}</code> : "–"],
            ]}
          />
          <Text as="h3" variant="headingSm">
            {t("task.args")}
          </Text>
          <Box overflowX="scroll">
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
            <pre tabIndex={0}>{JSON.stringify(run.args, null, 2)}</pre>
          </Box>
        </BlockStack>
      </Card>
    </InlineGrid>
  );
}
