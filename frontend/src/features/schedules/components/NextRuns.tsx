import { useI18n } from "@/i18n/useI18n";
import type { NextRun } from "../api";
import styles from "./NextRuns.module.css";

function clock(instant: string, timeZone: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, {
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZone,
  }).format(new Date(instant));
}

/** "America/New_York" → "New York". */
function cityOf(timeZone: string): string {
  return timeZone.slice(timeZone.lastIndexOf("/") + 1).replaceAll("_", " ");
}

/** The next times on the shop's clock, on the schedule's where that is another, and in UTC. */
export function NextRuns({ runs, timezone }: { runs: readonly NextRun[]; timezone: string }) {
  const { t, f, locale } = useI18n();
  if (runs.length === 0) return <span className={styles.other}>{t("schedules.no_next")}</span>;
  const others = [...new Set([timezone, "UTC"])].filter((zone) => zone !== f.timeZone);
  return (
    <ol className={styles.runs} aria-label={t("schedules.next_runs")}>
      {runs.map((run) => (
        <li key={run.at_utc}>
          <time dateTime={run.at_utc} title={f.relative(run.at_utc)}>
            {clock(run.at_utc, f.timeZone, locale)}
          </time>
          {others.map((zone) => (
            <span key={zone} className={styles.other}>
              {clock(run.at_utc, zone, locale)} {cityOf(zone)}
            </span>
          ))}
        </li>
      ))}
    </ol>
  );
}
