import { infiniteQueryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";
import { topicsKey } from "@/lib/queries/topics";

type Schemas = components["schemas"];
export type Suppression = Schemas["SuppressionRow"];
export type SuppressionReason = Suppression["reason"];
export type Topic = Schemas["TopicRow"];
export type TopicChanges = Schemas["TopicChanges"];

export const REASONS: readonly SuppressionReason[] = [
  "unsubscribed",
  "hard_bounce",
  "soft_bounces",
  "complaint",
  "manual",
];

const key = ["suppressions"] as const;

export function suppressionsQuery(email: string, reason: SuppressionReason | null) {
  return infiniteQueryOptions({
    queryKey: [...key, email, reason],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/suppressions", {
          params: {
            query: {
              ...(email ? { email } : {}),
              ...(reason ? { reason } : {}),
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function useAddSuppression() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (email: string) => body(api.POST("/api/v1/suppressions", { body: { email } })),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
}

export function useLiftSuppression() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: Suppression["id"]) =>
      body(api.DELETE("/api/v1/suppressions/{suppression_id}", { params: { path: { suppression_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
}

export function useAddTopic() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (topic: Schemas["NewTopic"]) => body(api.POST("/api/v1/topics", { body: topic })),
    onSuccess: () => client.invalidateQueries({ queryKey: topicsKey }),
  });
}

export function useChangeTopic() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, ...changes }: TopicChanges & { id: Topic["id"] }) =>
      body(api.PATCH("/api/v1/topics/{topic_id}", { params: { path: { topic_id: id } }, body: changes })),
    onSuccess: () => client.invalidateQueries({ queryKey: topicsKey }),
  });
}
