import { infiniteQueryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { paths } from "@/generated/api";
import { api, body } from "@/lib/api/client";
import type { SyncRun } from "@/lib/api/types";
import { saveBlob } from "@/lib/download";

/** A running sync moves a bar that somebody watches; an idle page only keeps up. */
const LIVE_MS = 1_000;
const IDLE_MS = 30_000;

const key = ["syncs"] as const;

type ExportQuery = NonNullable<paths["/api/v1/syncs/{sync_id}/results/export"]["get"]["parameters"]["query"]>;
export type ExportResource = NonNullable<ExportQuery["resource"]>;
export type ExportFormat = NonNullable<ExportQuery["format"]>;
export type SyncMode = SyncRun["mode"];
export type SyncResource = SyncRun["resources"][number];
export type ResourceName = SyncResource["resource"];

export function isRunning({ state }: SyncRun): boolean {
  return state === "queued" || state === "running" || state === "importing";
}

export const syncsQuery = infiniteQueryOptions({
  queryKey: [...key, "list"],
  queryFn: ({ pageParam, signal }) =>
    body(api.GET("/api/v1/syncs", { params: { query: pageParam ? { cursor: pageParam } : {} }, signal })),
  initialPageParam: "",
  getNextPageParam: (page) => page.next_cursor,
  refetchInterval: ({ state }) =>
    state.data?.pages.some((page) => page.items.some(isRunning)) ? LIVE_MS : IDLE_MS,
});

export const comparisonsQuery = infiniteQueryOptions({
  queryKey: [...key, "comparisons"],
  queryFn: ({ pageParam, signal }) =>
    body(
      api.GET("/api/v1/syncs/reconciliations", {
        params: { query: pageParam ? { cursor: pageParam } : {} },
        signal,
      }),
    ),
  initialPageParam: "",
  getNextPageParam: (page) => page.next_cursor,
});

export function useStartSync() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (asked: { mode: SyncMode; resources: ResourceName[] }) =>
      body(api.POST("/api/v1/syncs", { body: asked })),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
}

export function useCancelSync() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      body(api.DELETE("/api/v1/syncs/{sync_id}", { params: { path: { sync_id: id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: key }),
  });
}

/** Fetched with the caller's proof of identity: a plain link carries none inside the admin. */
export function useExport(id: string) {
  return useMutation({
    mutationFn: async ({ resource, format }: { resource: ExportResource; format: ExportFormat }) => {
      const file = await body<unknown>(
        api.GET("/api/v1/syncs/{sync_id}/results/export", {
          params: { path: { sync_id: id }, query: { resource, format } },
          parseAs: "blob",
        }),
      );
      saveBlob(file as Blob, `${resource}-${id}.${format}`);
    },
  });
}
