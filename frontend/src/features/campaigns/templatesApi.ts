/** What messages are composed of: the gallery, the shop's own templates and blocks, and products. */
import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import type { NewTemplate, TemplateChanges } from "@/lib/api/types";

export const templatesQuery = queryOptions({
  queryKey: ["templates"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/templates", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

const savedKey = ["templates", "saved"] as const;
const savedPath = (id: string) => ({ params: { path: { template_id: id } } });

/** The shop's own templates and blocks. */
export const savedTemplatesQuery = queryOptions({
  queryKey: [...savedKey, "list"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/templates/saved", { signal })),
});

export function savedTemplateQuery(id: string) {
  return queryOptions({
    queryKey: [...savedKey, "one", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/templates/saved/{template_id}", { ...savedPath(id), signal })),
  });
}

/** `version` makes each change ask again. */
export function savedPictureQuery(id: string, version: number) {
  return queryOptions({
    queryKey: [...savedKey, "picture", id, version],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/templates/saved/{template_id}/picture", { ...savedPath(id), signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

function useSavedMutation<Result, Values>(run: (values: Values) => Promise<Result>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: run,
    // Also after a refusal: what was refused was made on an older version.
    onSettled: () => client.invalidateQueries({ queryKey: savedKey }),
  });
}

export function useKeepTemplate() {
  return useSavedMutation((kept: NewTemplate) => body(api.POST("/api/v1/templates/saved", { body: kept })));
}

export function useChangeTemplate() {
  return useSavedMutation(({ id, ...changes }: TemplateChanges & { id: string }) =>
    body(api.PATCH("/api/v1/templates/saved/{template_id}", { ...savedPath(id), body: changes })),
  );
}

export function useDeleteTemplate() {
  return useSavedMutation((id: string) =>
    body(api.DELETE("/api/v1/templates/saved/{template_id}", savedPath(id))),
  );
}

/** Active products with `search` in their title. */
export function productsQuery(search: string) {
  return infiniteQueryOptions({
    queryKey: ["products", "search", search],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/products", {
          params: { query: { ...(search ? { search } : {}), ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });
}

/** These products, as far as they are still on sale. */
export function pickedProductsQuery(gids: readonly string[]) {
  return queryOptions({
    queryKey: ["products", "picked", gids],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/products", { params: { query: { gid: [...gids] } }, signal })),
    enabled: gids.length > 0,
    placeholderData: keepPreviousData,
  });
}

/** Problems of a source that is being written, each at its place. */
export function checkQuery(subject: string, source: { html?: string; mjml?: string }) {
  return queryOptions({
    queryKey: ["templates", "check", subject, source],
    queryFn: ({ signal }) =>
      body(api.POST("/api/v1/templates/check", { body: { subject, html: "", ...source }, signal })),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
  });
}
