import { Link } from "react-router";
import { useI18n } from "@/i18n/useI18n";
import type { ScheduleResult } from "../api";
import { type Outcome, outcomeOf } from "../outcome";
import styles from "./ResultDots.module.css";

/** Told apart by shape, not by colour alone. */
const SIGNS: Record<Outcome, string> = {
  succeeded: "",
  running: "",
  dead: "×",
  cancelled: "−",
  skipped: "›",
  overlapped: "=",
  missed: "!",
  unknown: "?",
};

/** The last results, oldest first; a dot with a run leads to it. */
export function ResultDots({ results }: { results: readonly ScheduleResult[] }) {
  const { t, f } = useI18n();
  if (results.length === 0) return <span className={styles.none}>{t("schedules.no_result")}</span>;
  const inOrder = [...results].sort((a, b) => Date.parse(a.due_at) - Date.parse(b.due_at));
  return (
    <ol className={styles.dots} aria-label={t("schedules.results", { count: results.length })}>
      {inOrder.map((result) => {
        const outcome = outcomeOf(result);
        const words = t("schedules.result", {
          at: f.dateTime(result.due_at),
          outcome: t(`schedules.outcome.${outcome}`),
        });
        const late = t("schedules.late_by", { time: f.duration(result.drift_ms) });
        const text = result.job_id ? `${words} · ${late}` : words;
        const dot = (
          <span className={styles.dot} data-outcome={outcome} aria-hidden="true">
            {SIGNS[outcome]}
          </span>
        );
        return (
          <li key={result.due_at}>
            {result.job_id ? (
              <Link to={`/tasks/${result.job_id}`} className={styles.link} title={text} aria-label={text}>
                {dot}
              </Link>
            ) : (
              <span className={styles.link} title={text} role="img" aria-label={text}>
                {dot}
              </span>
            )}
          </li>
        );
      })}
    </ol>
  );
}
