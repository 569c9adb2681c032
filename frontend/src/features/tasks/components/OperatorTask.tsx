import { Banner, BlockStack, Button, Card, InlineGrid, InlineStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useNavigate, useParams } from "react-router";
import { ActModal } from "@/components/ActModal";
import { ErrorState } from "@/components/ErrorState";
import { JsonCard } from "@/components/JsonCard";
import { Page } from "@/components/Page";
import { Progress } from "@/components/Progress";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import type { Translate } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import type { JobDetail } from "@/lib/api/jobTypes";
import type { Format } from "@/lib/format";
import { useNow } from "@/lib/useNow";
import { useMay } from "@/lib/useSession";
import { runQuery, useCancelRun, useDiscardRun, useRetryRun } from "../api";
import { actionsFor, isOver } from "../states";
import { useNews } from "../useNews";
import { jobTitle, waitFacts, whyInWords } from "../words";
import { EditRetryModal } from "./EditRetryModal";
import { Errors } from "./Errors";
import { FamilyGraph } from "./FamilyGraph";
import { Logs } from "./Logs";
import { Notes } from "./Notes";
import styles from "./OperatorTask.module.css";
import { RunFacts } from "./RunFacts";
import { Timeline } from "./Timeline";

const SECOND_MS = 1_000;

export function OperatorTask() {
  const { t } = useI18n();
  const { jobId = "" } = useParams();
  const navigate = useNavigate();
  const query = useQuery(runQuery(jobId));
  useNews(query);
  const retry = useRetryRun();
  const cancel = useCancelRun();
  const discard = useDiscardRun();
  const mayOperate = useMay("operate");
  const [dialog, setDialog] = useState<"edit" | "discard" | null>(null);
  const run = query.data;
  const actions = run && mayOperate ? actionsFor(run) : [];
  const failure = retry.error ?? cancel.error;
  const isAsked = run !== undefined && !isOver(run.state) && run.cancel_requested_at != null;
  const shown = isAsked ? "cancelling" : run?.state;
  // It runs as a new task; this one stays as it ended.
  const follow = (again: JobDetail) => void navigate(`/tasks/${again.id}`);

  const secondary = [
    ...(actions.includes("retry") && run?.editable
      ? [{ content: t("task.edit.action"), onAction: () => setDialog("edit") }]
      : []),
    ...(actions.includes("discard")
      ? [{ content: t("task.discard"), onAction: () => setDialog("discard") }]
      : []),
    ...(actions.includes("cancel")
      ? [
          {
            content: t(isAsked ? "task.cancel_asked" : "task.cancel"),
            destructive: true,
            disabled: isAsked,
            loading: cancel.isPending,
            onAction: () => cancel.mutate(jobId),
          },
        ]
      : []),
  ];
  return (
    <Page
      title={run ? jobTitle(t, run) : t("task.title")}
      titleMetadata={shown ? <StateBadge state={shown} label={t(`run_state.${shown}`)} /> : undefined}
      subtitle={run ? [run.name, run.shop_domain].filter(Boolean).join(" · ") : undefined}
      backAction={{ content: t("nav.tasks"), url: "/tasks" }}
      fullWidth
      {...(actions.includes("retry")
        ? {
            primaryAction: {
              content: t("task.retry"),
              loading: retry.isPending,
              onAction: () => retry.mutate({ id: jobId }, { onSuccess: follow }),
            },
          }
        : {})}
      secondaryActions={secondary}
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
          {(data) => <Content run={data} />}
        </QueryView>
      </BlockStack>
      {dialog === "edit" && run && (
        <EditRetryModal
          run={run}
          onClose={() => setDialog(null)}
          onRetried={(again) => {
            setDialog(null);
            follow(again);
          }}
        />
      )}
      {dialog === "discard" && (
        <ActModal
          title={t("task.discard_title")}
          consequence={t("task.discard_body")}
          action={t("task.discard")}
          destructive
          reason="required"
          error={discard.error}
          isPending={discard.isPending}
          onAct={(reason) => discard.mutate({ id: jobId, reason }, { onSuccess: () => setDialog(null) })}
          onClose={() => {
            discard.reset();
            setDialog(null);
          }}
        />
      )}
    </Page>
  );
}

/** When cancel was asked for; the history of a run keeps only that it stopped, so the page remembers what it saw. */
function useCancelAsked(run: JobDetail): string | null {
  const seen = useRef<{ id: string; at: string } | null>(null);
  if (run.cancel_requested_at) seen.current = { id: run.id, at: run.cancel_requested_at };
  return seen.current?.id === run.id ? seen.current.at : null;
}

function cancelInWords(t: Translate, f: Format, run: JobDetail, asked: string | null): string {
  const stopped = run.state === "cancelled" ? run.finished_at : null;
  if (!asked) return stopped ? t("task.cancel_stopped", { at: f.dateTime(stopped) }) : "";
  if (!stopped) return t("task.cancel_since", { asked: f.dateTime(asked) });
  const time = f.duration(Math.max(0, Date.parse(stopped) - Date.parse(asked)));
  return t("task.cancel_took", { asked: f.dateTime(asked), time });
}

function Content({ run }: { run: JobDetail }) {
  const { t, f } = useI18n();
  const now = useNow(SECOND_MS, !isOver(run.state));
  const cancelAt = useCancelAsked(run);
  return (
    <InlineGrid columns={{ xs: 1, lg: ["twoThirds", "oneThird"] }} gap="400" alignItems="start">
      <BlockStack gap="400">
        <div aria-live="polite" className={styles.news}>
          {(cancelAt || run.state === "cancelled") && (
            <Banner
              tone={run.state === "cancelled" ? "info" : "warning"}
              title={t(
                run.state === "cancelled"
                  ? "task.cancel_done"
                  : isOver(run.state)
                    ? "task.cancel_too_late"
                    : "task.cancel_waits",
              )}
            >
              <Text as="p">{cancelInWords(t, f, run, cancelAt)}</Text>
            </Banner>
          )}
          {run.waits_because && (
            <Banner title={t("task.why")}>
              <BlockStack gap="200">
                <Text as="p">{whyInWords(t, f, run.waits_because, "wait")}</Text>
                <InlineStack gap="400">
                  {waitFacts(t, f, run.waits_because).map(([name, value]) => (
                    <Text key={name} as="span" variant="bodySm" tone="subdued">
                      {name}: {value}
                    </Text>
                  ))}
                </InlineStack>
              </BlockStack>
            </Banner>
          )}
        </div>
        {run.retried_as && (
          <Banner
            tone="info"
            title={t("task.was_retried")}
            action={{ content: t("task.open_new"), url: `/tasks/${run.retried_as}` }}
          />
        )}
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
        <Timeline run={run} now={now} />
        <Errors run={run} />
        <FamilyGraph id={run.id} />
        <Logs run={run} />
      </BlockStack>
      <BlockStack gap="400">
        <RunFacts run={run} />
        <JsonCard title={t("task.args")} value={run.args} help={t("task.args_help")} />
        {run.result != null && <JsonCard title={t("task.result")} value={run.result} />}
        {run.state === "dead" && run.fingerprint && (
          <BlockStack gap="200">
            <Notes fingerprint={run.fingerprint} jobId={run.id} />
            <Button url={`/tasks/dead-letters/${run.fingerprint}`}>{t("task.open_group")}</Button>
          </BlockStack>
        )}
      </BlockStack>
    </InlineGrid>
  );
}
