import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import type { BulkAnswer, BulkRequest } from "@/lib/api/jobTypes";

/** Groups grow by the minute, not by the second. */
const REFRESH_MS = 15_000;

export const deadLettersKey = ["dead-letters"] as const;

const ofGroup = (fingerprint: string) => ({ path: { fingerprint } });

export function deadLettersQuery(q: string) {
  return infiniteQueryOptions({
    queryKey: [...deadLettersKey, "list", q],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/dead-letters", {
          params: { query: { ...(q ? { q } : {}), ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
}

export function deadGroupQuery(fingerprint: string) {
  return queryOptions({
    queryKey: [...deadLettersKey, "one", fingerprint],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/dead-letters/{fingerprint}", { params: ofGroup(fingerprint), signal })),
  });
}

/** How much of a filter or a group is acted on, how fast and why. */
export type MassInput = Required<Pick<BulkRequest, "cap" | "rate_per_min" | "reason" | "dry_run">>;

export function replayGroup(fingerprint: string, input: MassInput): Promise<BulkAnswer> {
  return body(
    api.POST("/api/v1/dead-letters/{fingerprint}/replay", { params: ofGroup(fingerprint), body: input }),
  );
}

export function discardGroup(fingerprint: string, { cap, reason, dry_run }: MassInput): Promise<BulkAnswer> {
  return body(
    api.POST("/api/v1/dead-letters/{fingerprint}/discard", {
      params: ofGroup(fingerprint),
      body: { cap, reason, dry_run },
    }),
  );
}

export function useAddNote(fingerprint: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (note: { body: string; job_id?: string }) =>
      body(
        api.POST("/api/v1/dead-letters/{fingerprint}/notes", { params: ofGroup(fingerprint), body: note }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: deadLettersKey }),
  });
}
