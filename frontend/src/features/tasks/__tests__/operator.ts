import { HttpResponse, http } from "msw";
import { server } from "@/testing/server";
import { operator } from "@/testing/tasksData";

/** Whoever opens the next page is an operator of the platform. */
export function signInAsOperator(permissions: readonly string[] = operator.permissions): void {
  server.use(http.get("*/api/v1/session", () => HttpResponse.json({ ...operator, permissions })));
}
