import { type Column, DataTable } from "@/components/DataTable";
import { StateBadge } from "@/components/StateBadge";
import { useI18n } from "@/i18n/useI18n";
import type { JobRun } from "@/lib/api/jobTypes";
import type { SteadyRow } from "../useSteadyRows";
import { jobTitle, shortClass } from "../words";
import styles from "./RunTable.module.css";
import { RunTime } from "./RunTime";

interface Props {
  rows: readonly SteadyRow[];
  now: number;
  /** Only those who may act choose. */
  selection?: {
    selected: ReadonlySet<string>;
    toggle: (id: string) => void;
    toggleAll: () => void;
  };
}

/** A process and its child without the host, which the run's page tells: "bulk/4711". */
function shortWorker(worker: string): string {
  return worker.replace(/@[^/]*/, "");
}

export function RunTable({ rows, now, selection }: Props) {
  const { t, f } = useI18n();
  const columns: Column<SteadyRow>[] = [
    {
      key: "name",
      header: t("runs.column.name"),
      cell: ({ run }) => (
        <span className={styles.name}>
          {jobTitle(t, run)}
          <span className={styles.shop}>{run.shop_domain ?? t("runs.platform")}</span>
        </span>
      ),
    },
    {
      key: "state",
      header: t("runs.column.state"),
      cell: ({ run, left }) =>
        left ? (
          <span className={styles.left}>{t("runs.left")}</span>
        ) : (
          <StateBadge state={run.state} label={t(`run_state.${run.state}`)} />
        ),
    },
    {
      key: "queue",
      header: t("runs.column.queue"),
      cell: ({ run }) => (
        <span className={styles.worker} title={t("runs.priority", { priority: run.priority })}>
          {run.queue} · {run.priority}
        </span>
      ),
    },
    {
      key: "attempt",
      header: t("runs.column.attempt"),
      numeric: true,
      cell: ({ run }) => t("runs.attempt", { number: run.attempt, max: run.max_attempts }),
    },
    { key: "time", header: t("runs.column.time"), cell: ({ run }) => <RunTime run={run} now={now} /> },
    {
      key: "worker",
      header: t("runs.column.worker"),
      wideOnly: true,
      cell: ({ run }) =>
        run.worker ? (
          <span className={styles.worker} title={run.worker}>
            {shortWorker(run.worker)}
          </span>
        ) : (
          "–"
        ),
    },
    {
      key: "error",
      header: t("runs.column.error"),
      long: true,
      cell: ({ run }) => errorOf(run) ?? progressOf(run) ?? "–",
    },
  ];

  function errorOf(run: JobRun) {
    if (!run.error) return null;
    return (
      <span className={`${styles.small} ${styles.error}`} title={run.error}>
        {run.error_class ? shortClass(run.error_class) : run.error.slice(0, 80)}
      </span>
    );
  }

  function progressOf(run: JobRun) {
    if (!run.progress || run.state !== "running") return null;
    const { done, total } = run.progress;
    return (
      <span className={styles.small}>
        {total ? t("runs.progress", { share: f.percent(done / total), done, total }) : f.number(done)}
      </span>
    );
  }

  return (
    <DataTable
      caption={t("runs.title")}
      columns={columns}
      rows={rows}
      rowKey={({ run }) => run.id}
      rowHref={({ run }) => `/tasks/${run.id}`}
      isFaint={({ left }) => left}
      {...(selection
        ? {
            selection: {
              selected: selection.selected,
              onToggle: ({ run }: SteadyRow) => selection.toggle(run.id),
              onToggleAll: selection.toggleAll,
              labelOf: ({ run }: SteadyRow) => t("runs.choose", { name: jobTitle(t, run), id: run.id }),
              labelOfAll: t("runs.choose_all"),
            },
          }
        : {})}
    />
  );
}
