import type { Translate } from "@/i18n/translate";
import type { JobRun, Suggestion, WaitReason } from "@/lib/api/jobTypes";
import type { Format } from "@/lib/format";

/** What the run does, in a shop owner's words; a job that the catalogue does not know keeps its own name. */
export function jobTitle(t: Translate, run: Pick<JobRun, "name">): string {
  return t.code("jobs", run.name);
}

/** The class without its module: "ConnectionError", not "requests.exceptions.ConnectionError". */
export function shortClass(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** Within so long a time of day is clear without its date. */
const HOURS_AS_TIME_MS = 12 * 3_600_000;

/** Why a run has not begun, as a sentence; `prefix` chooses an operator's or a merchant's words. */
export function whyInWords(t: Translate, f: Format, why: WaitReason, prefix: "wait" | "wait_plain"): string {
  const sentence = t.code(prefix, why.code);
  if (!why.until) return sentence;
  const isSoon = Date.parse(why.until) - Date.now() < HOURS_AS_TIME_MS;
  return t("wait.until", { sentence, time: isSoon ? f.time(why.until) : f.dateTime(why.until) });
}

/** What the reason rests on: who paused it, how many are ahead. */
export function waitFacts(t: Translate, f: Format, why: WaitReason): [string, string][] {
  return Object.entries(why.facts ?? {})
    .filter(([, value]) => value !== null)
    .map(([key, value]) => [
      t.code("wait_fact", key),
      typeof value === "number"
        ? f.decimal(value)
        : key === "since"
          ? f.dateTime(String(value))
          : String(value),
    ]);
}

/** What a hint of the search is, in the reader's words. */
export function hintInWords(t: Translate, { text, kind, hint }: Suggestion): string {
  if (kind === "qualifier") return t.code("search_hint", text.replace(/[:.]$/, ""), {}, hint);
  if (kind === "name") return t.code("jobs", text.slice(text.indexOf(":") + 1));
  return t.code("search_kind", kind);
}
