import { useState } from "react";
import type { JobRun } from "@/lib/api/jobTypes";

export interface RunPage {
  items: JobRun[];
  next_cursor?: string | null;
}

export interface SteadyRow {
  run: JobRun;
  /** It is no longer what the list asks for, such as a run that ended in the list of running ones. */
  left: boolean;
}

/**
 * The rows that the reader saw first, with what is known of them now, in their places. Runs that came since
 * are counted instead of pushed in.
 */
export function steady(
  held: RunPage,
  fresh: RunPage,
  filtered: boolean,
): { rows: SteadyRow[]; newer: number } {
  const now = new Map(fresh.items.map((run) => [run.id, run]));
  const last = fresh.items.at(-1);
  // Ids grow with time: below the last fresh row nothing is known, for that page ends there.
  const isCovered = (id: string) => !fresh.next_cursor || (last !== undefined && id >= last.id);
  const first = held.items[0];
  return {
    rows: held.items.map((run) => ({
      run: now.get(run.id) ?? run,
      left: filtered && !now.has(run.id) && isCovered(run.id),
    })),
    newer: first ? fresh.items.filter((run) => run.id > first.id).length : 0,
  };
}

export function useSteadyRows(fresh: RunPage | undefined, view: string, filtered: boolean) {
  const [held, setHeld] = useState<{ view: string; page: RunPage } | null>(null);
  // An empty list has nothing that could jump, so what comes is shown at once.
  const adopt = fresh && (held?.view !== view || held.page.items.length === 0) && fresh !== held?.page;
  if (adopt) setHeld({ view, page: fresh });
  const page = adopt ? fresh : held?.page;
  // Until the next list is here, the one before stays on screen.
  return {
    ...(page ? steady(page, fresh ?? page, fresh !== undefined && filtered) : { rows: [], newer: 0 }),
    showNewer: () => fresh && setHeld({ view, page: fresh }),
  };
}
