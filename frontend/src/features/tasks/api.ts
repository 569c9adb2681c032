import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import type { JobState } from "@/lib/api/types";

/** Short enough to watch runs come and go; paused by the query client while the tab is hidden. */
const LIVE_MS = 2_000;

const key = ["jobs"] as const;

export const summaryQuery = queryOptions({
  queryKey: [...key, "summary"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/jobs/summary", { signal })),
  refetchInterval: LIVE_MS,
});

export function runsQuery(state: JobState | "", name: string) {
  return infiniteQueryOptions({
    queryKey: [...key, "list", state, name],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/jobs", {
          params: {
            query: {
              ...(state ? { state } : {}),
              ...(name ? { name } : {}),
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: LIVE_MS,
    placeholderData: keepPreviousData,
  });
}

export function runQuery(id: string) {
  return queryOptions({
    queryKey: [...key, "one", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: id } }, signal })),
    refetchInterval: LIVE_MS,
  });
}

export function useRetryRun(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.POST("/api/v1/jobs/{job_id}/retry", { params: { path: { job_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
}

export function useCancelRun(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.POST("/api/v1/jobs/{job_id}/cancel", { params: { path: { job_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
}
