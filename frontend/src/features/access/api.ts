import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";

type Schemas = components["schemas"];

export type Member = Schemas["Member"];
export type ApiKey = Schemas["ApiKeyRow"];
export type ApiKeyWithSecret = Schemas["ApiKeyWithSecret"];
export type Permission = Schemas["Permission"];

export const membersQuery = queryOptions({
  queryKey: ["members"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/members", { signal })),
});

export const apiKeysQuery = infiniteQueryOptions({
  queryKey: ["api-keys"],
  queryFn: ({ signal, pageParam }) =>
    body(api.GET("/api/v1/api-keys", { signal, params: { query: { cursor: pageParam } } })),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
});

export function useChangeMember() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, ...change }: { id: string } & Schemas["MemberChange"]) =>
      body(api.PATCH("/api/v1/members/{member_id}", { params: { path: { member_id: id } }, body: change })),
    onSuccess: () => client.invalidateQueries({ queryKey: membersQuery.queryKey }),
  });
}

export function useCreateKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (key: Schemas["NewApiKey"]) => body(api.POST("/api/v1/api-keys", { body: key })),
    onSuccess: () => client.invalidateQueries({ queryKey: apiKeysQuery.queryKey }),
  });
}

export function useRotateKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, grace_s }: { id: string; grace_s: number }) =>
      body(
        api.POST("/api/v1/api-keys/{key_id}/rotate", {
          params: { path: { key_id: id } },
          body: { grace_s },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: apiKeysQuery.queryKey }),
  });
}

export function useRevokeKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      body(api.DELETE("/api/v1/api-keys/{key_id}", { params: { path: { key_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: apiKeysQuery.queryKey }),
  });
}
