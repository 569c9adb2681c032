import { useSuspenseQuery } from "@tanstack/react-query";
import { sessionQuery } from "./queries/session";

/** Who is here and in which shop. The shell has loaded it before any page renders. */
export function useSession() {
  return useSuspenseQuery(sessionQuery).data;
}

export function useMay(permission: string): boolean {
  return useSession().permissions.includes(permission);
}

/** Operators run the platform and see every shop; everybody else sees their own. */
export function useIsOperator(): boolean {
  return useSession().user.role === "operator";
}
