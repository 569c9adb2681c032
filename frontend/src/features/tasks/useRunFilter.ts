import { useCallback } from "react";
import { useLocation, useNavigate, useSearchParams } from "react-router";
import type { JobState } from "@/lib/api/jobTypes";
import { STATES } from "./states";

export interface RunFilter {
  state: JobState | "";
  q: string;
}

/** The cursors of the pages before this one, so that "newer" can walk back; a shared link has none. */
function trailOf(state: unknown): string[] {
  const trail = (state as { trail?: unknown } | null)?.trail;
  return Array.isArray(trail) ? trail.filter((one): one is string => typeof one === "string") : [];
}

export function hrefOf({ state, q }: RunFilter, cursor = ""): string {
  const params = new URLSearchParams();
  if (state) params.set("state", state);
  if (q) params.set("q", q);
  if (cursor) params.set("cursor", cursor);
  const search = params.toString();
  return search ? `/tasks?${search}` : "/tasks";
}

/** Which runs are shown: it all lives in the address bar, so that a view can be shared. */
export function useRunFilter() {
  const [params] = useSearchParams();
  const location = useLocation();
  const navigate = useNavigate();
  const state = STATES.find((one) => one === params.get("state")) ?? "";
  // Older links name a job by its own parameter.
  const name = params.get("name");
  const q = params.get("q") ?? (name ? `name:${name}` : "");
  const cursor = params.get("cursor") ?? "";
  const trail = trailOf(location.state);

  const setQ = useCallback((next: string) => void navigate(hrefOf({ state, q: next })), [navigate, state]);
  const older = (next: string) =>
    void navigate(hrefOf({ state, q }, next), { state: { trail: [...trail, cursor] } });
  const newer = () =>
    void navigate(hrefOf({ state, q }, trail.at(-1) ?? ""), { state: { trail: trail.slice(0, -1) } });

  return { filter: { state, q } as RunFilter, cursor, setQ, older, newer };
}
