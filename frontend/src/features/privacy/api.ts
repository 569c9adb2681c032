import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";
import { saveBlob } from "@/lib/download";

type Schemas = components["schemas"];
export type PrivacyRequest = Schemas["PrivacyRequestRow"];
export type PrivacyRequestDetail = Schemas["PrivacyRequestDetail"];
export type TableProof = Schemas["TableProof"];
export type NewPrivacyRequest = Schemas["NewPrivacyRequest"];
export type Retention = Schemas["Retention"];
export type Access = Schemas["Access"];

const LIVE_MS = 5_000;
const IDLE_MS = 60_000;

const key = ["privacy"] as const;

export const requestsQuery = infiniteQueryOptions({
  queryKey: [...key, "requests"],
  queryFn: ({ pageParam, signal }) =>
    body(
      api.GET("/api/v1/privacy/requests", {
        params: { query: pageParam ? { cursor: pageParam } : {} },
        signal,
      }),
    ),
  initialPageParam: null as string | null,
  getNextPageParam: (last) => last.next_cursor,
  refetchInterval: (query) =>
    query.state.data?.pages.some((page) => page.items.some((item) => item.state === "received"))
      ? LIVE_MS
      : IDLE_MS,
});

export function requestQuery(id: number) {
  return queryOptions({
    queryKey: [...key, "request", id],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/privacy/requests/{request_id}", { params: { path: { request_id: id } }, signal }),
      ),
    refetchInterval: (query) => (query.state.data?.state === "received" ? LIVE_MS : false),
  });
}

export const retentionQuery = queryOptions({
  queryKey: [...key, "retention"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/privacy/retention", { signal })),
  staleTime: 300_000,
});

export const accessQuery = infiniteQueryOptions({
  queryKey: [...key, "access"],
  queryFn: ({ pageParam, signal }) =>
    body(
      api.GET("/api/v1/privacy/access", {
        params: { query: pageParam ? { cursor: pageParam } : {} },
        signal,
      }),
    ),
  initialPageParam: null as string | null,
  getNextPageParam: (last) => last.next_cursor,
});

function useInvalidate() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: key });
}

export function useAskForPrivacy() {
  const invalidate = useInvalidate();
  return useMutation({
    mutationFn: (asked: NewPrivacyRequest) => body(api.POST("/api/v1/privacy/requests", { body: asked })),
    onSuccess: invalidate,
  });
}

export function useRerun() {
  const invalidate = useInvalidate();
  return useMutation({
    mutationFn: (id: number) =>
      body(api.POST("/api/v1/privacy/requests/{request_id}/rerun", { params: { path: { request_id: id } } })),
    onSettled: invalidate,
  });
}

export function usePassphrase() {
  const invalidate = useInvalidate();
  return useMutation({
    mutationFn: (id: number) =>
      body(
        api.POST("/api/v1/privacy/requests/{request_id}/passphrase", {
          params: { path: { request_id: id } },
        }),
      ),
    onSettled: invalidate,
  });
}

/** Fetched with the caller's proof of identity: a plain link carries none inside the admin. */
export function useDownload() {
  const invalidate = useInvalidate();
  return useMutation({
    mutationFn: async (id: number) => {
      const link = await body(
        api.POST("/api/v1/privacy/requests/{request_id}/link", { params: { path: { request_id: id } } }),
      );
      const token = link.path.slice(link.path.lastIndexOf("/") + 1);
      const file = await body<unknown>(
        api.GET("/api/v1/privacy/archives/{token}", { params: { path: { token } }, parseAs: "blob" }),
      );
      saveBlob(file as Blob, `personal-data-${id}.zip`);
    },
    onSettled: invalidate,
  });
}
