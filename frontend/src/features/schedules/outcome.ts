import type { ScheduleResult } from "./api";

/** What a dot stands for: the run's own end, or why there was none. */
export type Outcome =
  | "succeeded"
  | "running"
  | "dead"
  | "cancelled"
  | "skipped"
  | "overlapped"
  | "missed"
  | "unknown";

export function outcomeOf({ outcome, state }: ScheduleResult): Outcome {
  if (outcome === "skipped" || outcome === "overlapped" || outcome === "missed") return outcome;
  if (state === "succeeded" || state === "dead" || state === "cancelled") return state;
  // Staged, queued, trying again: it is under way. A run that the history has forgotten tells nothing.
  return state || outcome === "waiting" ? "running" : "unknown";
}

/** The middle of how late the runs started, so that one bad day does not speak for all. */
export function usualDriftMs(results: readonly ScheduleResult[]): number | null {
  const drifts = results.map((one) => one.drift_ms).sort((a, b) => a - b);
  return drifts[Math.floor(drifts.length / 2)] ?? null;
}
