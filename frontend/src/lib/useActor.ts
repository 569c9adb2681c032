import { useQuery } from "@tanstack/react-query";
import { useI18n } from "@/i18n/useI18n";
import { peopleQuery } from "./queries/people";
import { useSession } from "./useSession";

const PERSON = "user:";

/** "Ada" by herself, or in a sentence, as in "by Ada": languages say "you" differently there. */
type Place = "alone" | "by";

/** Who did something, as the API names actors: people by "user:" and their id, the program by nothing at all. */
export function useActor(): (actor: string | null | undefined, place?: Place) => string {
  const { t } = useI18n();
  const { user } = useSession();
  const people = useQuery(peopleQuery);
  return (actor, place = "alone") => {
    if (!actor) return "Storecast";
    if (!actor.startsWith(PERSON)) return actor;
    const id = actor.slice(PERSON.length);
    if (id === user.id) return t(place === "by" ? "actor.by_you" : "actor.you");
    return people.data?.get(id) ?? (people.isPending ? "…" : t("actor.unknown", { id }));
  };
}
