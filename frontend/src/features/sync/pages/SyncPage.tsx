import { BlockStack, Box, Button, Text } from "@shopify/polaris";
import { RefreshIcon } from "@shopify/polaris-icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { ActModal } from "@/components/ActModal";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { SyncRun } from "@/lib/api/types";
import { useMay } from "@/lib/useSession";
import { useToast } from "@/lib/useToast";
import { isRunning, syncsQuery, useCancelSync } from "../api";
import { ComparisonsCard } from "../components/ComparisonsCard";
import { RefusedCard, RunCard } from "../components/RunCard";
import { StartModal } from "../components/StartModal";

/** The store's data: the newest synchronisation in full, those before, and the nightly comparison. */
export function SyncPage() {
  const { t } = useI18n();
  const [params] = useSearchParams();
  const mayOperate = useMay("operate");
  const query = useInfiniteQuery(syncsQuery);
  const [isStarting, setStarting] = useState(false);
  const [stopping, setStopping] = useState<SyncRun | null>(null);
  const runs = query.data?.pages.flatMap((page) => page.items) ?? [];
  const running = runs.find(isRunning);
  const shown = runs.find(({ id }) => id === params.get("run")) ?? runs[0];
  const start = { content: t("store.start"), onAction: () => setStarting(true) };
  const stop = {
    content: t("store.cancel"),
    destructive: true,
    onAction: () => running && setStopping(running),
  };
  return (
    <Page
      title={t("store.title")}
      subtitle={t("store.subtitle")}
      backAction={{ content: t("nav.settings"), url: "/settings" }}
      {...(mayOperate && query.data ? { primaryAction: running ? stop : start } : {})}
    >
      <BlockStack gap="400">
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={() => shown === undefined}
          empty={
            <EmptyState
              icon={RefreshIcon}
              title={t("store.empty.title")}
              action={
                mayOperate && (
                  <Button variant="primary" onClick={() => setStarting(true)}>
                    {t("store.start")}
                  </Button>
                )
              }
            >
              {t("store.empty.body")}
            </EmptyState>
          }
        >
          {() =>
            shown && (
              <BlockStack gap="400">
                <Finding run={shown} />
                <RunCard
                  run={shown}
                  title={t(shown === runs[0] ? "store.latest" : `store.kind.${shown.kind}`)}
                />
                <RefusedCard run={shown} />
              </BlockStack>
            )
          }
        </QueryView>
        <ComparisonsCard />
        {runs.length > 1 && (
          <History
            runs={runs}
            loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
            isLoadingMore={query.isFetchingNextPage}
          />
        )}
      </BlockStack>
      {isStarting && <StartModal onClose={() => setStarting(false)} />}
      {stopping && <StopModal run={stopping} onClose={() => setStopping(null)} />}
    </Page>
  );
}

function StopModal({ run, onClose }: { run: SyncRun; onClose: () => void }) {
  const { t } = useI18n();
  const toast = useToast();
  const cancel = useCancelSync();
  function onSuccess() {
    toast(t("store.cancelled"));
    onClose();
  }
  return (
    <ActModal
      title={t("store.cancel_title")}
      consequence={t("store.cancel_body")}
      action={t("store.cancel")}
      destructive
      error={cancel.error}
      isPending={cancel.isPending}
      onAct={() => cancel.mutate(run.id, { onSuccess })}
      onClose={onClose}
    />
  );
}

/** The answer that the reader came for, with the reason where it is not the good one. */
function Finding({ run }: { run: SyncRun }) {
  const { t, f } = useI18n();
  const failed = run.state === "failed";
  return (
    <Box paddingInline={{ xs: "400", sm: "0" }}>
      <div aria-live="polite">
        <Text as="h2" variant="headingLg" {...(failed ? { tone: "critical" as const } : {})}>
          {isRunning(run)
            ? t("store.finding.running", { share: f.percent(run.progress) })
            : failed
              ? t("store.finding.failed")
              : run.state === "cancelled"
                ? t("store.finding.cancelled")
                : t("store.finding.well")}
        </Text>
      </div>
      <Text as="p" tone="subdued">
        {failed ? (
          t("sync.failed", { error: run.error ?? t("sync.unknown_error") })
        ) : (
          <>
            {t(`store.mode.${run.mode}`)} · <TimeAgo at={run.finished_at ?? run.started_at} />
            {run.custom_query && (
              <>
                {" · "}
                <code>{run.custom_query}</code>
              </>
            )}
          </>
        )}
      </Text>
    </Box>
  );
}

interface HistoryProps {
  runs: readonly SyncRun[];
  loadMore: (() => void) | undefined;
  isLoadingMore: boolean;
}

function History({ runs, loadMore, isLoadingMore }: HistoryProps) {
  const { t, f } = useI18n();
  const sum = (run: SyncRun, field: "rows_done" | "rows_refused") =>
    run.resources.reduce((total, one) => total + one[field], 0);
  const columns: Column<SyncRun>[] = [
    { key: "kind", header: t("store.kind"), cell: (run) => t(`store.kind.${run.kind}`) },
    { key: "state", header: t("store.state"), cell: (run) => <StateBadge state={run.state} /> },
    { key: "mode", header: t("store.mode"), cell: (run) => t(`store.mode.${run.mode}`) },
    { key: "at", header: t("store.started_at"), cell: (run) => <TimeAgo at={run.started_at} /> },
    {
      key: "took",
      header: t("store.took"),
      numeric: true,
      cell: (run) =>
        run.started_at && run.finished_at
          ? f.duration(Date.parse(run.finished_at) - Date.parse(run.started_at))
          : "–",
    },
    {
      key: "rows",
      header: t("store.rows"),
      numeric: true,
      cell: (run) => f.number(sum(run, "rows_done")),
    },
    {
      key: "refused",
      header: t("store.refused"),
      numeric: true,
      cell: (run) => (sum(run, "rows_refused") > 0 ? f.number(sum(run, "rows_refused")) : "–"),
    },
  ];
  return (
    <TableCard title={t("store.history")} loadMore={loadMore} loadingMore={isLoadingMore}>
      <DataTable
        caption={t("store.history")}
        columns={columns}
        rows={runs}
        rowKey={(run) => run.id}
        rowHref={(run) => `?run=${run.id}`}
      />
    </TableCard>
  );
}
