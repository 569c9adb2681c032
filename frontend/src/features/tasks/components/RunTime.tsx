import { useI18n } from "@/i18n/useI18n";
import type { JobRun } from "@/lib/api/jobTypes";
import styles from "./RunTime.module.css";

/** The track ends at this many times the usual time; its mark stands at once. */
const TRACK = 2;

/** How long a run has waited or worked, beside what its job usually takes (the 95th of 100 runs, slowest last). */
export function RunTime({ run, now }: { run: JobRun; now: number }) {
  const { t, f } = useI18n();
  const ran =
    run.run_ms ??
    (run.state === "running" && run.started_at ? Math.max(0, now - Date.parse(run.started_at)) : null);
  if (ran === null) {
    if (run.finished_at) return <span className={styles.quiet}>–</span>;
    const due = Date.parse(run.run_at) - now;
    return (
      <span className={`${styles.text} ${styles.quiet}`}>
        {due > 0 ? t("runs.due_in", { time: f.duration(due) }) : t("runs.waits", { time: f.duration(-due) })}
      </span>
    );
  }
  const usual = run.usual_run_ms;
  if (!usual) return <span className={styles.text}>{f.duration(ran)}</span>;
  const times = ran / usual;
  const words = t("runs.beside_usual", { time: f.duration(ran), usual: f.duration(usual) });
  return (
    <span className={styles.time} title={words}>
      <span className={styles.text} aria-hidden="true">
        {f.duration(ran)}
      </span>
      <span className={styles.track} role="img" aria-label={words}>
        <span
          className={styles.fill}
          style={{ display: "block", width: `${Math.min(1, times / TRACK) * 100}%` }}
          data-over={times > 1 || undefined}
          data-far={times >= TRACK || undefined}
        />
      </span>
    </span>
  );
}
