import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import type { Home, SyncRun } from "@/lib/api/types";

/** A running sync moves a bar that someone watches; an idle page only keeps up. */
const LIVE_MS = 1_000;
const IDLE_MS = 30_000;
/** Right after the install the first sync is about to begin. */
const SOON_MS = 2_000;

export function isSyncing(sync: SyncRun | null | undefined): boolean {
  return sync?.state === "queued" || sync?.state === "running" || sync?.state === "importing";
}

function pace(home: Home | undefined): number {
  if (isSyncing(home?.sync)) return LIVE_MS;
  return home?.sync === null ? SOON_MS : IDLE_MS;
}

export const homeQuery = queryOptions({
  queryKey: ["home"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/home", { signal })),
  refetchInterval: ({ state }) => pace(state.data as Home | undefined),
});

/** The newest comparison of each kind of data with Shopify; one page holds several nights. */
export const reconciliationsQuery = queryOptions({
  queryKey: ["reconciliations"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/syncs/reconciliations", { signal })),
});

export type SyncMode = SyncRun["mode"];

export function useStartSync() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (mode: SyncMode) => body(api.POST("/api/v1/syncs", { body: { mode } })),
    onSuccess: () => client.invalidateQueries({ queryKey: homeQuery.queryKey }),
  });
}
