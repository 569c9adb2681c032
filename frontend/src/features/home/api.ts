import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import type { Home, SyncRun } from "@/lib/api/types";

/** A running sync moves a bar that someone watches; an idle page only keeps up. */
const LIVE_MS = 1_000;
const IDLE_MS = 30_000;

export function isSyncing(sync: SyncRun | null | undefined): boolean {
  return sync?.state === "queued" || sync?.state === "running" || sync?.state === "importing";
}

export const homeQuery = queryOptions({
  queryKey: ["home"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/home", { signal })),
  refetchInterval: ({ state }) => (isSyncing((state.data as Home | undefined)?.sync) ? LIVE_MS : IDLE_MS),
});

export function useStartSync() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.POST("/api/v1/syncs", { body: { mode: "bulk" } })),
    onSuccess: () => client.invalidateQueries({ queryKey: homeQuery.queryKey }),
  });
}
