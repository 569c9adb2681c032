import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import type { BulkRequest, JobState } from "@/lib/api/jobTypes";
import type { RunFilter } from "./useRunFilter";

/** The stream tells of changes at once; this is how soon a page without a stream sees them. */
export const LIVE_MS = 5_000;

export const jobsKey = ["jobs"] as const;

/** The address has empty texts where the API wants nothing. */
function filterQuery({ state, q }: RunFilter): { state?: JobState; q?: string } {
  return { ...(state ? { state } : {}), ...(q ? { q } : {}) };
}

const ofJob = (id: string) => ({ path: { job_id: id } });

export const summaryQuery = queryOptions({
  queryKey: [...jobsKey, "summary"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/jobs/summary", { signal })),
  refetchInterval: LIVE_MS,
});

export function runsQuery(filter: RunFilter, cursor: string) {
  return queryOptions({
    queryKey: [...jobsKey, "list", filter.state, filter.q, cursor],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/jobs", {
          params: { query: { ...filterQuery(filter), ...(cursor ? { cursor } : {}) } },
          signal,
        }),
      ),
    refetchInterval: LIVE_MS,
    placeholderData: keepPreviousData,
  });
}

export function countQuery(filter: RunFilter) {
  return queryOptions({
    queryKey: [...jobsKey, "count", filter.state, filter.q],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/jobs/count", { params: { query: filterQuery(filter) }, signal })),
    staleTime: 15_000,
  });
}

export function suggestQuery(q: string, caret: number) {
  return queryOptions({
    queryKey: [...jobsKey, "suggest", q, caret],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/jobs/suggest", { params: { query: { q, cursor_at: caret } }, signal })),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
}

export function runQuery(id: string) {
  return queryOptions({
    queryKey: [...jobsKey, "one", id],
    queryFn: ({ signal }) => body(api.GET("/api/v1/jobs/{job_id}", { params: ofJob(id), signal })),
    refetchInterval: LIVE_MS,
  });
}

export function logsQuery(id: string) {
  return infiniteQueryOptions({
    queryKey: [...jobsKey, "logs", id],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/jobs/{job_id}/logs", {
          params: { ...ofJob(id), query: pageParam ? { cursor: pageParam } : {} },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function familyQuery(id: string) {
  return queryOptions({
    queryKey: [...jobsKey, "family", id],
    queryFn: ({ signal }) => body(api.GET("/api/v1/jobs/{job_id}/family", { params: ofJob(id), signal })),
    refetchInterval: LIVE_MS,
  });
}

export const tasksQuery = queryOptions({
  queryKey: [...jobsKey, "tasks"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/tasks", { signal })),
  refetchInterval: LIVE_MS,
});

function useJobsMutation<Answer, Input>(mutationFn: (input: Input) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({ mutationFn, onSuccess: () => client.invalidateQueries({ queryKey: jobsKey }) });
}

export interface RetryInput {
  id: string;
  args?: Record<string, unknown>;
  reason?: string;
}

export const retryRun = ({ id, ...input }: RetryInput) =>
  body(api.POST("/api/v1/jobs/{job_id}/retry", { params: ofJob(id), body: input }));
export const cancelRun = (id: string) =>
  body(api.POST("/api/v1/jobs/{job_id}/cancel", { params: ofJob(id) }));
export const discardRun = ({ id, reason }: { id: string; reason: string }) =>
  body(api.POST("/api/v1/jobs/{job_id}/discard", { params: ofJob(id), body: { reason } }));

export const useRetryRun = () => useJobsMutation(retryRun);
export const useCancelRun = () => useJobsMutation(cancelRun);
export const useDiscardRun = () => useJobsMutation(discardRun);

export const bulk = (input: BulkRequest) => body(api.POST("/api/v1/jobs/bulk", { body: input }));
