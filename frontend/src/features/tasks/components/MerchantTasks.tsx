import { BlockStack, Button, Card, InlineGrid, Text } from "@shopify/polaris";
import { CheckCircleIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { ErrorState } from "@/components/ErrorState";
import { Facts } from "@/components/Facts";
import { Page } from "@/components/Page";
import { Progress } from "@/components/Progress";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useJobsStream } from "@/features/health/useJobsStream";
import { useI18n } from "@/i18n/useI18n";
import type { Task, Tasks } from "@/lib/api/jobTypes";
import { LIVE_MS, tasksQuery, useRetryRun } from "../api";
import { errorInWords, headline } from "../merchantWords";
import { jobTitle, whyInWords } from "../words";
import styles from "./MerchantTasks.module.css";
import { TasksNav } from "./TasksNav";

/** What Storecast does for this store: what needs its people, what is under way, what went well. */
export function MerchantTasks() {
  const { t } = useI18n();
  const { snapshot, isLive } = useJobsStream();
  // What was asked for after an action is newer than what the stream said before it.
  const isNewer = (than: number) => isLive && snapshot !== null && Date.parse(snapshot.at) > than;
  const query = useQuery({
    ...tasksQuery,
    // An answer may be older than it looks: it was read before it came. Only newer word makes asking unnecessary.
    refetchInterval: ({ state }) => (isNewer(state.dataUpdatedAt) ? false : LIVE_MS),
  });
  const streamed = isNewer(query.dataUpdatedAt) ? snapshot?.tasks : undefined;
  const tasks = streamed ?? query.data;
  return (
    <Page
      title={t("nav.tasks")}
      subtitle={t("plain.subtitle")}
      {...(tasks && tasks.needs_you.length > 0
        ? { documentTitle: t("plain.document_title", { count: tasks.needs_you.length }) }
        : {})}
    >
      <BlockStack gap="400">
        <TasksNav />
        <QueryView
          query={{ ...query, data: tasks }}
          skeleton={
            <LoadingRegion>
              <BlockStack gap="400">
                <CardSkeleton lines={1} />
                <CardSkeleton lines={5} />
              </BlockStack>
            </LoadingRegion>
          }
          isEmpty={isNothing}
          empty={
            <EmptyState
              icon={CheckCircleIcon}
              title={t("plain.empty.title")}
              action={<Button url="/">{t("plain.empty.action")}</Button>}
            >
              {t("plain.empty.body")}
            </EmptyState>
          }
        >
          {(data) => <Content tasks={data} />}
        </QueryView>
      </BlockStack>
    </Page>
  );
}

function isNothing(tasks: Tasks): boolean {
  return [tasks.running, tasks.needs_you, tasks.recent, tasks.last_success].every(
    (list) => list.length === 0,
  );
}

function Content({ tasks }: { tasks: Tasks }) {
  const { t } = useI18n();
  return (
    <>
      <div
        className={styles.headline}
        data-needs={tasks.needs_you.length > 0 || undefined}
        aria-live="polite"
      >
        <Text as="h2" variant="headingLg">
          {headline(t, tasks)}
        </Text>
      </div>
      {tasks.needs_you.length > 0 && (
        <Card>
          <BlockStack gap="300">
            <Text as="h2" variant="headingMd">
              {t("plain.needs_you")}
            </Text>
            <ul className={styles.tasks}>
              {tasks.needs_you.map((task) => (
                <Need key={task.id} task={task} />
              ))}
            </ul>
          </BlockStack>
        </Card>
      )}
      {tasks.running.length > 0 && (
        <Card>
          <BlockStack gap="300">
            <Text as="h2" variant="headingMd">
              {t("plain.under_way")}
            </Text>
            <ul className={styles.tasks}>
              {tasks.running.map((task) => (
                <UnderWay key={task.id} task={task} />
              ))}
            </ul>
          </BlockStack>
        </Card>
      )}
      <InlineGrid columns={{ xs: 1, lg: ["twoThirds", "oneThird"] }} gap="400" alignItems="start">
        {tasks.recent.length > 0 && <Recent tasks={tasks.recent} />}
        {tasks.last_success.length > 0 && (
          <Card>
            <BlockStack gap="300">
              <Text as="h2" variant="headingMd">
                {t("plain.last_success")}
              </Text>
              <Facts
                facts={tasks.last_success.map((one) => [
                  jobTitle(t, one),
                  <TimeAgo key={one.name} at={one.at} />,
                ])}
              />
            </BlockStack>
          </Card>
        )}
      </InlineGrid>
    </>
  );
}

function Need({ task }: { task: Task }) {
  const { t } = useI18n();
  const retry = useRetryRun();
  return (
    <li className={styles.task}>
      <div className={styles.need}>
        <div>
          <Link className={styles.title} to={`/tasks/${task.id}`}>
            {jobTitle(t, task)}
          </Link>
          <p className={styles.bad}>{errorInWords(t, task.error_key)}</p>
          <p className={styles.facts}>
            <TimeAgo at={task.since} />
          </p>
        </div>
        {task.retryable && (
          <Button
            loading={retry.isPending}
            accessibilityLabel={t("plain.retry_of", { title: jobTitle(t, task) })}
            onClick={() => retry.mutate({ id: task.id })}
          >
            {t("action.retry")}
          </Button>
        )}
      </div>
      {retry.error && <ErrorState error={retry.error} title={t("task.action_failed")} />}
    </li>
  );
}

function UnderWay({ task }: { task: Task }) {
  const { t, f } = useI18n();
  const title = jobTitle(t, task);
  if (task.state !== "running") {
    return (
      <li className={styles.task}>
        <div className={styles.need}>
          <Link className={styles.title} to={`/tasks/${task.id}`}>
            {title}
          </Link>
          <StateBadge state={task.state} />
        </div>
        <span className={styles.facts}>
          {task.why ? whyInWords(t, f, task.why, "wait_plain") : t("wait_plain.behind")}
        </span>
      </li>
    );
  }
  const left = task.eta_s === null ? null : t("progress.eta", { time: f.duration(task.eta_s * 1000) });
  const pace =
    task.rate_per_min === null ? null : t("plain.rate", { rate: f.number(Math.round(task.rate_per_min)) });
  const share = task.percent === null ? null : f.percent(task.percent / 100);
  const count =
    task.done === null
      ? null
      : task.total
        ? t("progress.count", { done: task.done, total: task.total })
        : f.number(task.done);
  return (
    <li className={styles.task}>
      {task.done === null ? (
        <div className={styles.need}>
          <Link className={styles.title} to={`/tasks/${task.id}`}>
            {title}
          </Link>
          <span className={styles.facts}>
            {t("plain.since")} <TimeAgo at={task.since} />
          </span>
        </div>
      ) : (
        <>
          <Link className={styles.title} to={`/tasks/${task.id}`}>
            {title}
          </Link>
          <Progress
            label={task.note || t("progress.working")}
            done={task.done}
            total={task.total || null}
            text={[share, count, pace, left].filter(Boolean).join(" · ")}
          />
        </>
      )}
    </li>
  );
}

function Recent({ tasks }: { tasks: readonly Task[] }) {
  const { t } = useI18n();
  const columns: Column<Task>[] = [
    { key: "name", header: t("plain.column.name"), cell: (task) => jobTitle(t, task) },
    { key: "state", header: t("plain.column.state"), cell: (task) => <StateBadge state={task.state} /> },
    { key: "when", header: t("plain.column.when"), cell: (task) => <TimeAgo at={task.since} /> },
  ];
  return (
    <TableCard title={t("plain.recent")}>
      <DataTable
        caption={t("plain.recent")}
        columns={columns}
        rows={tasks}
        rowKey={(task) => task.id}
        rowHref={(task) => `/tasks/${task.id}`}
      />
    </TableCard>
  );
}
