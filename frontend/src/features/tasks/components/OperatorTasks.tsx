import { BlockStack, Button, Card } from "@shopify/polaris";
import { ClipboardChecklistIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { HealthStrip } from "@/features/health/HealthStrip";
import { useJobsStream } from "@/features/health/useJobsStream";
import { useI18n } from "@/i18n/useI18n";
import { asApiError } from "@/lib/api/errors";
import { useNow } from "@/lib/useNow";
import { useMay } from "@/lib/useSession";
import { runsQuery, summaryQuery } from "../api";
import { actionsFor, type BulkAction } from "../states";
import { useNews } from "../useNews";
import { useRunFilter } from "../useRunFilter";
import { useSelection } from "../useSelection";
import { useSteadyRows } from "../useSteadyRows";
import styles from "./Console.module.css";
import { FilterActions } from "./FilterActions";
import { RunTable } from "./RunTable";
import { SearchField } from "./SearchField";
import { SelectionModal } from "./SelectionModal";
import { StateRail } from "./StateRail";
import { TasksNav } from "./TasksNav";

const SECOND_MS = 1_000;
const ACTIONS: readonly BulkAction[] = ["retry", "cancel", "discard"];

/** Every run of the platform: what is wrong first, then the list that the address asks for. */
export function OperatorTasks() {
  const { t } = useI18n();
  const { snapshot, isLive } = useJobsStream();
  const summary = useQuery({ ...summaryQuery, ...(isLive ? { refetchInterval: false as const } : {}) });
  const states = ((isLive && snapshot?.summary) || summary.data)?.states;
  return (
    <Page
      title={t("nav.tasks")}
      fullWidth
      {...(states && states.dead > 0
        ? { documentTitle: t("runs.document_title", { count: states.dead }) }
        : {})}
    >
      <BlockStack gap="400">
        <TasksNav />
        <HealthStrip />
        <Runs states={states} />
      </BlockStack>
    </Page>
  );
}

function Runs({ states }: { states: Parameters<typeof StateRail>[0]["states"] }) {
  const { t } = useI18n();
  const { filter, cursor, setQ, older, newer } = useRunFilter();
  const view = `${filter.state}|${filter.q}|${cursor}`;
  const query = useQuery(runsQuery(filter, cursor));
  const { snapshot, isLive } = useNews(query);
  const mayOperate = useMay("operate");
  const problem = asApiError(query.error);
  const wrong = problem.fields.find((field) => field.pointer === "/q")?.message;

  const list = useSteadyRows(query.isPlaceholderData ? undefined : query.data, view, filter.state !== "");
  const live = new Map(isLive ? snapshot?.running?.map((run) => [run.id, run]) : []);
  const rows = list.rows.map((row) => ({ ...row, run: live.get(row.run.id) ?? row.run }));
  const isMoving = rows.some(({ run }) => !run.finished_at);
  const now = useNow(SECOND_MS, isMoving);
  const selection = useSelection(
    view,
    rows.map(({ run }) => run.id),
  );
  const [acting, setActing] = useState<BulkAction | null>(null);
  const chosen = rows.map(({ run }) => run).filter((run) => selection.selected.has(run.id));
  const canBe = (action: BulkAction) => chosen.filter((run) => actionsFor(run).includes(action));

  return (
    <div className={styles.columns}>
      <StateRail filter={filter} states={states} />
      <div className={styles.main}>
        <div className={styles.search}>
          <SearchField q={filter.q} setQ={setQ} problem={wrong} />
        </div>
        {chosen.length > 0 && (
          // biome-ignore lint/a11y/useSemanticElements: these are no fields of a form
          <div className={styles.bar} role="group" aria-label={t("selection.label")}>
            <strong>{t("selection.count", { count: chosen.length })}</strong>
            {chosen.length < rows.length && (
              <Button variant="plain" onClick={selection.toggleAll}>
                {t("selection.all", { count: rows.length })}
              </Button>
            )}
            {ACTIONS.filter((action) => canBe(action).length > 0).map((action) => (
              <Button
                key={action}
                onClick={() => setActing(action)}
                {...(action === "retry" ? {} : { tone: "critical" as const })}
              >
                {t(`mass.${action}`, { count: canBe(action).length })}
              </Button>
            ))}
            <Button variant="tertiary" onClick={selection.clear}>
              {t("selection.clear")}
            </Button>
          </div>
        )}
        {wrong === undefined && (
          <QueryView
            query={query}
            skeleton={<TableSkeleton rows={10} />}
            isEmpty={() => !query.isPlaceholderData && rows.length === 0}
            empty={<NoRuns isFiltered={filter.state !== "" || filter.q !== ""} />}
          >
            {(page) => (
              <Card padding="0">
                <div className={styles.head}>
                  <span className={styles.live} data-live={isLive || undefined}>
                    {t(isLive ? "runs.live" : "runs.polling")}
                  </span>
                  <span role="status">
                    {list.newer > 0 && !cursor && (
                      <button type="button" className={styles.pill} onClick={list.showNewer}>
                        {t("runs.newer_came", { count: list.newer })}
                      </button>
                    )}
                  </span>
                  <div className={styles.headEnd}>{mayOperate && <FilterActions filter={filter} />}</div>
                </div>
                <div className={query.isPlaceholderData ? styles.stale : undefined}>
                  <RunTable rows={rows} now={now} {...(mayOperate ? { selection } : {})} />
                </div>
                {(cursor || page.next_cursor) && (
                  <nav className={styles.pager} aria-label={t("runs.pages")}>
                    <Button disabled={!cursor} onClick={newer}>
                      {t("runs.newer")}
                    </Button>
                    <Button
                      disabled={!page.next_cursor || query.isPlaceholderData}
                      onClick={() => page.next_cursor && older(page.next_cursor)}
                    >
                      {t("runs.older")}
                    </Button>
                  </nav>
                )}
              </Card>
            )}
          </QueryView>
        )}
        {acting && (
          <SelectionModal
            action={acting}
            runs={canBe(acting)}
            onClose={() => setActing(null)}
            onDone={() => {
              setActing(null);
              selection.clear();
            }}
          />
        )}
      </div>
    </div>
  );
}

function NoRuns({ isFiltered }: { isFiltered: boolean }) {
  const { t } = useI18n();
  return (
    <EmptyState
      icon={ClipboardChecklistIcon}
      title={t(isFiltered ? "runs.none.title" : "runs.empty.title")}
      action={isFiltered ? <Button url="/tasks">{t("runs.show_all")}</Button> : undefined}
    >
      {t(isFiltered ? "runs.none.body" : "runs.empty.body")}
    </EmptyState>
  );
}
