import { Banner, BlockStack, Card, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "react-router";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { Facts } from "@/components/Facts";
import { Page } from "@/components/Page";
import { Progress } from "@/components/Progress";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { Attempt, JobDetail } from "@/lib/api/jobTypes";
import { useMay } from "@/lib/useSession";
import { runQuery, useCancelRun, useRetryRun } from "../api";
import { attemptInWords, errorInWords } from "../merchantWords";
import { actionsFor, isOver } from "../states";
import { useNews } from "../useNews";
import { jobTitle, whyInWords } from "../words";

/** A task in plain words: how it stands, what was tried, and the one thing to do about it. */
export function MerchantTask() {
  const { t } = useI18n();
  const { jobId = "" } = useParams();
  const navigate = useNavigate();
  const query = useQuery(runQuery(jobId));
  useNews(query);
  const retry = useRetryRun();
  const cancel = useCancelRun();
  const mayOperate = useMay("operate");
  const run = query.data;
  const actions = run && mayOperate ? actionsFor(run) : [];
  const failure = retry.error ?? cancel.error;
  const isAsked = run !== undefined && !isOver(run.state) && run.cancel_requested_at !== null;
  return (
    <Page
      title={run ? jobTitle(t, run) : t("task.title")}
      titleMetadata={run ? <StateBadge state={isAsked ? "cancelling" : run.state} /> : undefined}
      backAction={{ content: t("nav.tasks"), url: "/tasks" }}
      {...(actions.includes("retry")
        ? {
            primaryAction: {
              content: t("action.retry"),
              loading: retry.isPending,
              onAction: () =>
                retry.mutate({ id: jobId }, { onSuccess: (again) => void navigate(`/tasks/${again.id}`) }),
            },
          }
        : {})}
      secondaryActions={
        actions.includes("cancel")
          ? [
              {
                content: t(isAsked ? "task.cancel_asked" : "task.cancel"),
                destructive: true,
                disabled: isAsked,
                loading: cancel.isPending,
                onAction: () => cancel.mutate(jobId),
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
              <CardSkeleton lines={5} />
            </LoadingRegion>
          }
        >
          {(data) => <Content run={data} />}
        </QueryView>
      </BlockStack>
    </Page>
  );
}

function Content({ run }: { run: JobDetail }) {
  const { t, f } = useI18n();
  const columns: Column<Attempt>[] = [
    {
      key: "number",
      header: t("task.timeline.attempt"),
      cell: ({ number }) => t("task.attempt", { number }),
    },
    { key: "at", header: t("plain.started"), cell: (attempt) => f.dateTime(attempt.started_at) },
    {
      key: "took",
      header: t("task.ran"),
      numeric: true,
      cell: ({ started_at, finished_at }) =>
        finished_at ? f.duration(Date.parse(finished_at) - Date.parse(started_at)) : "–",
    },
    {
      key: "ended",
      header: t("task.timeline.ended"),
      long: true,
      cell: (attempt) =>
        attempt.error_key
          ? attemptInWords(t, attempt.error_key)
          : t(attempt.finished_at || isOver(run.state) ? "task.timeline.done" : "task.timeline.runs"),
    },
  ];
  return (
    <>
      <div aria-live="polite">
        {run.waits_because && (
          <Banner title={t("task.why")}>
            <Text as="p">{whyInWords(t, f, run.waits_because, "wait_plain")}</Text>
          </Banner>
        )}
        {run.error_key && !run.retried_as && !run.discarded_at && (
          <Banner tone="critical" title={t("task.went_wrong")}>
            <Text as="p">{errorInWords(t, run.error_key)}</Text>
          </Banner>
        )}
        {run.retried_as && (
          <Banner
            tone="info"
            title={t("task.was_retried")}
            action={{ content: t("task.open_new"), url: `/tasks/${run.retried_as}` }}
          />
        )}
      </div>
      {run.progress && (
        <Card>
          <Progress
            label={run.progress.note || t("progress.working")}
            done={run.progress.done}
            total={run.progress.total || null}
            tone={run.state === "dead" ? "failed" : "running"}
          />
        </Card>
      )}
      <TableCard title={t("task.attempts", { number: run.attempt, max: run.max_attempts })}>
        <DataTable
          caption={t("task.timeline.caption")}
          columns={columns}
          rows={[...run.attempts].sort((a, b) => b.number - a.number)}
          rowKey={(attempt) => attempt.number}
        />
        {run.attempts.length === 0 && (
          <div style={{ padding: 16 }}>
            <Text as="p" tone="subdued">
              {t("task.no_attempt")}
            </Text>
          </div>
        )}
      </TableCard>
      <Card>
        <Facts
          facts={[
            [t("task.enqueued"), <TimeAgo key="enqueued" at={run.enqueued_at} />],
            ...(run.finished_at
              ? [[t("plain.finished"), <TimeAgo key="finished" at={run.finished_at} />] as const]
              : []),
            [t("plain.reference"), <code key="id">{run.id}</code>],
          ]}
        />
      </Card>
    </>
  );
}
