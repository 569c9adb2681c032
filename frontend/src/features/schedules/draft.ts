import type { OpenJob, Schedule, ScheduleBody } from "./api";

export const UNITS = { minutes: 60, hours: 3_600, days: 86_400 } as const;
export type Unit = keyof typeof UNITS;

/** What the form holds: text as typed, so that a half-typed number is not lost. */
export interface Draft {
  title: string;
  job_name: string;
  args: Record<string, unknown>;
  by: "cron" | "interval";
  cron: string;
  every: string;
  unit: Unit;
  timezone: string;
  overlap: Schedule["overlap"];
  catch_up: Schedule["catch_up"];
}

function unitOf(interval_s: number): Unit {
  if (interval_s % UNITS.days === 0) return "days";
  return interval_s % UNITS.hours === 0 ? "hours" : "minutes";
}

export function draftOf(schedule: Schedule | null, jobs: readonly OpenJob[], timezone: string): Draft {
  const interval = schedule?.interval_s ?? UNITS.hours;
  const unit = unitOf(interval);
  return {
    title: schedule?.title ?? "",
    job_name: schedule?.job_name ?? jobs[0]?.name ?? "",
    args: schedule?.args ?? {},
    by: schedule?.interval_s ? "interval" : "cron",
    cron: schedule?.cron ?? "0 9 * * *",
    every: String(interval / UNITS[unit]),
    unit,
    timezone: schedule?.timezone ?? timezone,
    overlap: schedule?.overlap ?? "skip",
    catch_up: schedule?.catch_up ?? "last",
  };
}

/** Zero when the text is no number: the API refuses that at its field. */
export function intervalOf({ every, unit }: Draft): number {
  const count = Number(every);
  return Number.isFinite(count) && count > 0 ? Math.round(count * UNITS[unit]) : 0;
}

export function whenOf(draft: Draft) {
  return {
    cron: draft.by === "cron" ? draft.cron.trim() : null,
    interval_s: draft.by === "interval" ? intervalOf(draft) : null,
    timezone: draft.timezone,
  };
}

export function bodyOf(draft: Draft): ScheduleBody {
  return {
    title: draft.title.trim(),
    job_name: draft.job_name,
    args: draft.args,
    ...whenOf(draft),
    overlap: draft.overlap,
    catch_up: draft.catch_up,
  };
}
