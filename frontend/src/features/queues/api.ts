import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";

type Schemas = components["schemas"];
export type QueueRow = Schemas["QueueRow"];
export type LimitRow = Schemas["Limit"];
export type LimitBody = Schemas["LimitRequest"];

const LIMITS_LIVE_MS = 10_000;

export const queuesQuery = queryOptions({
  queryKey: ["queues"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/queues", { signal })),
});

export const limitsQuery = queryOptions({
  queryKey: ["limits"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/limits", { signal })),
  refetchInterval: LIMITS_LIVE_MS,
});

/** The marks on the sparklines. */
export const deploysQuery = queryOptions({
  queryKey: ["workers"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/workers", { signal })),
  select: (workers) => workers.deploys,
  staleTime: 60_000,
});

function useQueueMutation<T>(act: (value: T) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: queuesQuery.queryKey }),
        client.invalidateQueries({ queryKey: limitsQuery.queryKey }),
      ]),
  });
}

export function usePauseQueue(name: string) {
  return useQueueMutation((reason: string) =>
    body(api.POST("/api/v1/queues/{name}/pause", { params: { path: { name } }, body: { reason } })),
  );
}

export function useResumeQueue() {
  return useQueueMutation((name: string) =>
    body(api.POST("/api/v1/queues/{name}/resume", { params: { path: { name } } })),
  );
}

/** A kind of job: its runs wait while it is paused, whatever queue they are in. */
export function usePauseJob(name: string) {
  return useQueueMutation((reason: string) =>
    body(api.POST("/api/v1/limits/job/{name}/pause", { params: { path: { name } }, body: { reason } })),
  );
}

export function useResumeJob() {
  return useQueueMutation((name: string) =>
    body(api.POST("/api/v1/limits/job/{name}/resume", { params: { path: { name } } })),
  );
}

export function usePutLimit() {
  return useQueueMutation(({ kind, key, limit }: { kind: LimitRow["kind"]; key: string; limit: LimitBody }) =>
    body(api.PUT("/api/v1/limits/{kind}/{key}", { params: { path: { kind, key } }, body: limit })),
  );
}
