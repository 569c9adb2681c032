import { Link } from "react-router";
import { useI18n } from "@/i18n/useI18n";
import type { JobState, JobStates } from "@/lib/api/jobTypes";
import { STATES } from "../states";
import { hrefOf, type RunFilter } from "../useRunFilter";
import styles from "./StateRail.module.css";

/** Where each state's count stands in the summary; states that end are counted over a day. */
function countOf(states: JobStates, state: JobState): number {
  if (state === "succeeded") return states.succeeded_24h;
  if (state === "cancelled") return states.cancelled_24h;
  return states[state];
}

/** The states with their live counts; each leads to its list and keeps the search. */
export function StateRail({ filter, states }: { filter: RunFilter; states: JobStates | undefined }) {
  const { t, f } = useI18n();
  return (
    <nav className={styles.rail} aria-label={t("runs.states")}>
      {(["", ...STATES] as const).map((state) => {
        const count = state && states ? countOf(states, state) : undefined;
        const inADay = state === "succeeded" || state === "cancelled";
        return (
          <Link
            key={state}
            to={hrefOf({ state, q: filter.q })}
            className={styles.item}
            aria-current={state === filter.state ? "true" : undefined}
            data-alarm={state === "dead" && (count ?? 0) > 0 ? true : undefined}
            {...(inADay ? { title: t("runs.in_a_day") } : {})}
          >
            <span className={styles.dot} data-state={state || "all"} aria-hidden="true" />
            {state ? t(`run_state.${state}`) : t("runs.all")}
            {state && (
              <span className={styles.count}>
                {count === undefined ? "" : count < 100_000 ? f.number(count) : f.compact(count)}
              </span>
            )}
          </Link>
        );
      })}
    </nav>
  );
}
