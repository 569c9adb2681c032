import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import type { RefusedRow } from "@/lib/api/types";
import { segmentsKey } from "@/lib/queries/segments";
import type { ChoiceKind, Rules } from "@/lib/rules";

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

interface Wanted {
  kind: ChoiceKind;
  search?: string;
  id?: string[];
}

/** What rules may refer to: by words, or the names of these ids. */
export function choicesQuery(wanted: Wanted, enabled: boolean) {
  return queryOptions({
    queryKey: [...segmentsKey, "choices", wanted],
    queryFn: ({ signal }) => body(api.GET("/api/v1/segments/choices", { params: { query: wanted }, signal })),
    placeholderData: keepPreviousData,
    enabled,
  });
}

/** Why a customer is described by rules or not. */
export function explainQuery(rules: Rules, customerId: string) {
  return queryOptions({
    queryKey: [...segmentsKey, "explain", rules, customerId],
    queryFn: ({ signal }) =>
      body(api.POST("/api/v1/segments/explain", { body: { rules, customer_id: customerId }, signal })),
  });
}

/** The saved segment's size on each of the last days. */
export function sizesQuery(id: string) {
  return queryOptions({
    queryKey: [...segmentsKey, "sizes", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/segments/{segment_id}/sizes", { params: { path: { segment_id: id } }, signal })),
  });
}

export const listsQuery = queryOptions({
  queryKey: [...segmentsKey, "lists"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/segments/lists", { signal })),
});

export function refusalsQuery(id: string) {
  return queryOptions({
    queryKey: [...segmentsKey, "refusals", id],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/segments/lists/{list_id}/refusals", { params: { path: { list_id: id } }, signal }),
      ),
  });
}

/** Every refused row of a list, page by page. */
export async function allRefusals(id: string): Promise<RefusedRow[]> {
  const rows: RefusedRow[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await body(
      api.GET("/api/v1/segments/lists/{list_id}/refusals", {
        params: { path: { list_id: id }, query: cursor ? { cursor } : {} },
      }),
    );
    rows.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return rows;
}

export function useUploadList() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ name, file }: { name: string; file: File }) =>
      body(
        api.POST("/api/v1/segments/lists", {
          params: { query: { name } },
          // The file goes as it is: the API reads its encoding.
          body: file as unknown as string,
          bodySerializer: (content) => content,
          headers: { "Content-Type": "text/csv" },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: listsQuery.queryKey }),
  });
}

export function useDeleteList(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      body(api.DELETE("/api/v1/segments/lists/{list_id}", { params: { path: { list_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: listsQuery.queryKey }),
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
      await client.invalidateQueries({ queryKey: sizesQuery(segment.id).queryKey });
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
