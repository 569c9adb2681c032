import type { JobDetail } from "@/lib/api/jobTypes";
import { isOver } from "./states";

export type BandKind = "waiting" | "queued" | "running";

export interface Band {
  kind: BandKind;
  start: number;
  end: number;
}

export interface AttemptBands {
  number: number;
  bands: Band[];
  failed: boolean;
  /** Not begun yet: the run waits for it. */
  ahead: boolean;
}

/** Each try's waiting, queued and running time; what waits or runs now ends at `now`. */
export function bandsOf(run: JobDetail, now: number): AttemptBands[] {
  const time = Date.parse;
  let since = time(run.enqueued_at);
  const rows = [...run.attempts]
    .sort((a, b) => a.number - b.number)
    .map((attempt): AttemptBands => {
      const started = time(attempt.started_at);
      const queued = attempt.queued_at ? time(attempt.queued_at) : started;
      const end = attempt.finished_at ? time(attempt.finished_at) : isOver(run.state) ? started : now;
      const bands: Band[] = [
        { kind: "waiting", start: since, end: queued },
        { kind: "queued", start: queued, end: started },
        { kind: "running", start: started, end },
      ];
      since = end;
      return {
        number: attempt.number,
        bands: bands.filter((band) => band.end > band.start || band.kind === "running"),
        failed: attempt.error !== null,
        ahead: false,
      };
    });
  if (!isOver(run.state) && run.state !== "running") {
    rows.push({
      number: rows.length + 1,
      bands: [
        { kind: run.state === "queued" ? "queued" : "waiting", start: since, end: Math.max(now, since) },
      ],
      failed: false,
      ahead: true,
    });
  }
  return rows;
}

/** From the moment the run was accepted to its end, or to now. */
export function spanOf(rows: readonly AttemptBands[], run: JobDetail): { start: number; end: number } {
  const start = Date.parse(run.enqueued_at);
  const end = Math.max(start + 1, ...rows.flatMap((row) => row.bands.map((band) => band.end)));
  return { start, end };
}
