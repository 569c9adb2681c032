import type { Translate } from "@/i18n/translate";
import type { JobRun } from "@/lib/api/types";

/** What the run does, in a shop owner's words; a job that the catalogue does not know keeps its own name. */
export function jobTitle(t: Translate, run: Pick<JobRun, "name">): string {
  return t.code("jobs", run.name);
}
