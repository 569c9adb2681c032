import type { BulkRequest, JobState } from "@/lib/api/jobTypes";

/** The rail's order: what happens now, what comes, what ended. */
export const STATES = [
  "running",
  "queued",
  "staged",
  "retrying",
  "scheduled",
  "dead",
  "succeeded",
  "cancelled",
] as const satisfies readonly JobState[];

export type BulkAction = BulkRequest["action"];

const OVER: readonly JobState[] = ["succeeded", "dead", "cancelled"];

export function isOver(state: JobState): boolean {
  return OVER.includes(state);
}

interface Actable {
  state: JobState;
  retried_as?: string | null;
  discarded_at?: string | null;
}

/** What a person who may operate can do with a run in this state; the API judges again. */
export function actionsFor(run: Actable): BulkAction[] {
  const untouched = !run.retried_as && !run.discarded_at;
  if (run.state === "dead") return untouched ? ["retry", "discard"] : [];
  if (run.state === "cancelled") return untouched ? ["retry"] : [];
  return run.state === "succeeded" ? [] : ["cancel"];
}

/** What can be done with everything in a state of the rail; the empty string is every state. */
export function actionsForState(state: JobState | ""): BulkAction[] {
  return state === "" ? ["retry", "cancel", "discard"] : actionsFor({ state });
}
