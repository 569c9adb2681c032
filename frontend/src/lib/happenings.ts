/**
 * How often something happened, in which time and with what: as the API's value and as the `values` of a condition.
 * Invariant: `fromAsked` then `toAsked` gives an equal value.
 */

export type Asked = Record<string, string | number | null>;

/** How often, in how many days (empty: ever), and what it is about, as the `values` of a condition. */
export interface Happening {
  times: string;
  days: string;
  /** Empty for anything. */
  subject: string;
  subjectId: string;
}

export function readHappening(values: readonly string[]): Happening {
  const [times = "1", days = "", subject = "", subjectId = ""] = values;
  return { times, days, subject, subjectId };
}

export function writeHappening(happening: Happening): string[] {
  return [happening.times, happening.days, happening.subject, happening.subjectId];
}

/** The API's value as the texts of a condition. */
export function fromAsked({ times = 1, days = "", ...about }: Asked): string[] {
  const [subject, subjectId] = Object.entries(about).find(([, id]) => id !== null) ?? ["", ""];
  return [String(times), String(days ?? ""), subject, String(subjectId)];
}

/** The API's value, or undefined while it is not fully written. */
export function toAsked(values: readonly string[]): Asked | undefined {
  const { times, days, subject, subjectId } = readHappening(values.map((value) => value.trim()));
  const unfinished = times === "" || Number.isNaN(Number(times)) || Number.isNaN(Number(days));
  if (unfinished || (subject !== "" && subjectId === "")) return undefined;
  return {
    times: Number(times),
    ...(days === "" ? {} : { days: Number(days) }),
    ...(subject === "" ? {} : { [subject]: subjectId }),
  };
}
