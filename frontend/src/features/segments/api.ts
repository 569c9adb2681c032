import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import { segmentsKey } from "@/lib/queries/segments";
import type { Rules } from "@/lib/rules";

export function segmentQuery(id: string) {
  return queryOptions({
    queryKey: [...segmentsKey, "one", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/segments/{segment_id}", { params: { path: { segment_id: id } }, signal })),
  });
}

export const fieldsQuery = queryOptions({
  queryKey: [...segmentsKey, "fields"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/segments/fields", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

/** How many people the rules describe now; the last answer stays while the next is counted. */
export function previewQuery(rules: Rules, enabled: boolean) {
  return queryOptions({
    queryKey: [...segmentsKey, "preview", rules],
    queryFn: ({ signal }) => body(api.POST("/api/v1/segments/preview", { body: { rules }, signal })),
    placeholderData: keepPreviousData,
    enabled,
  });
}

/** Groups of buyers that may become segments. */
export const suggestedQuery = queryOptions({
  queryKey: [...segmentsKey, "suggested"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/micro-segments", { signal })),
});

export function useAdopt(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) =>
      body(
        api.POST("/api/v1/micro-segments/{micro_segment_id}/adopt", {
          params: { path: { micro_segment_id: id } },
          body: { name },
        }),
      ),
    onSuccess: (segment) => {
      client.setQueryData(segmentQuery(segment.id).queryKey, segment);
      return Promise.all([
        client.invalidateQueries({ queryKey: [...segmentsKey, "list"] }),
        client.invalidateQueries({ queryKey: suggestedQuery.queryKey }),
      ]);
    },
  });
}

export interface SegmentDraft {
  name: string;
  rules: Rules;
}

export function useSaveSegment(id: string | null) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: SegmentDraft) =>
      id === null
        ? body(api.POST("/api/v1/segments", { body: draft }))
        : body(
            api.PUT("/api/v1/segments/{segment_id}", { params: { path: { segment_id: id } }, body: draft }),
          ),
    onSuccess: async (segment) => {
      client.setQueryData(segmentQuery(segment.id).queryKey, segment);
      await client.invalidateQueries({ queryKey: [...segmentsKey, "list"] });
    },
  });
}

export function useDeleteSegment(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      body(api.DELETE("/api/v1/segments/{segment_id}", { params: { path: { segment_id: id } } })),
    onSuccess: () => {
      client.removeQueries({ queryKey: segmentQuery(id).queryKey });
      return Promise.all([
        client.invalidateQueries({ queryKey: [...segmentsKey, "list"] }),
        client.invalidateQueries({ queryKey: suggestedQuery.queryKey }),
      ]);
    },
  });
}
