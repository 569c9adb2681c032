import type { MessageKey, Translate } from "@/i18n/translate";
import type { Task, Tasks } from "@/lib/api/jobTypes";

/** What a kind of task is called when several are counted: "3 imports". */
const NOUNS: Readonly<Record<string, MessageKey>> = {
  "sync.import": "plain.noun.import",
  "sync.start": "plain.noun.sync",
  "sync.poll": "plain.noun.sync",
  "sync.now": "plain.noun.sync",
  "campaigns.send_batch": "plain.noun.sending",
  "campaigns.dispatch": "plain.noun.sending",
  "campaigns.freeze": "plain.noun.preparation",
  "segments.recount": "plain.noun.count",
  "segments.recount_segment": "plain.noun.count",
  "orders.rescore_customers": "plain.noun.scoring",
  "privacy.handle_request": "plain.noun.privacy",
};

function counted(t: Translate, tasks: readonly Task[]): string {
  const nouns = new Set(tasks.map((task) => NOUNS[task.name] ?? "plain.noun.task"));
  const [only] = nouns;
  return t(nouns.size === 1 && only ? only : "plain.noun.task", { count: tasks.length });
}

/** "3 imports running, 1 needs you": the answer to what somebody came for. */
export function headline(t: Translate, { running, needs_you: needs }: Tasks): string {
  const now = running.filter((task) => task.state === "running");
  const waiting = running.length - now.length;
  const parts = [
    now.length > 0 && t("plain.running", { things: counted(t, now) }),
    waiting > 0 && t("plain.waiting", { count: waiting }),
    needs.length > 0 && t("plain.needs", { count: needs.length }),
  ].filter((part): part is string => typeof part === "string");
  return parts.length === 0 ? t("plain.idle") : parts.join(", ");
}

/** How one try ended, for somebody who cannot look into the program. */
export function attemptInWords(t: Translate, errorKey: string): string {
  return t.code("attempt_error", errorKey, {}, t("attempt_error.unexpected"));
}

/** What went wrong, for somebody who cannot look into the program. */
export function errorInWords(t: Translate, errorKey: string | null): string {
  return t.code("task_error", errorKey ?? "unexpected", {}, t("task_error.unexpected"));
}
