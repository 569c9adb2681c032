import { useSession } from "./useSession";

/** Who did something, as the API names actors: people by "user:" and their id, the program by nothing at all. */
export function useActor(): (actor: string | null | undefined) => string {
  const { user } = useSession();
  return (actor) => {
    if (!actor) return "Storecast";
    return actor === `user:${user.id}` ? user.name : actor.replace(/^user:/, "");
  };
}
