import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";

type Schemas = components["schemas"];
export type AlertRule = Schemas["AlertRule"];
export type AlertMetric = Schemas["AlertMetric"];
export type AlertChannel = Schemas["AlertChannel"];
export type NewRule = Schemas["RuleRequest"];
export type NewChannel = Schemas["ChannelRequest"];
export type AlertEvent = Schemas["AlertEvent"];

const LIVE_MS = 10_000;

const key = ["alerts"] as const;

export const metricsQuery = queryOptions({
  queryKey: [...key, "metrics"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/alerts/metrics", { signal })),
  staleTime: 300_000,
});

export const rulesQuery = queryOptions({
  queryKey: [...key, "rules"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/alerts/rules", { signal })),
  refetchInterval: LIVE_MS,
});

export const channelsQuery = queryOptions({
  queryKey: [...key, "channels"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/alerts/channels", { signal })),
});

export const eventsQuery = infiniteQueryOptions({
  queryKey: [...key, "events"],
  queryFn: ({ pageParam, signal }) =>
    body(
      api.GET("/api/v1/alerts/events", {
        params: { query: pageParam ? { cursor: pageParam } : {} },
        signal,
      }),
    ),
  initialPageParam: "",
  getNextPageParam: (page) => page.next_cursor,
  refetchInterval: LIVE_MS,
});

function useAlertMutation<V, R>(act: (value: V) => Promise<R>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: act, onSettled: () => client.invalidateQueries({ queryKey: key }) });
}

export function useSaveRule(id: AlertRule["id"] | null) {
  return useAlertMutation((rule: NewRule) =>
    id === null
      ? body(api.POST("/api/v1/alerts/rules", { body: rule }))
      : body(api.PATCH("/api/v1/alerts/rules/{rule_id}", { params: { path: { rule_id: id } }, body: rule })),
  );
}

export function useEnableRule() {
  return useAlertMutation(({ id, enabled }: { id: AlertRule["id"]; enabled: boolean }) =>
    body(
      api.PATCH("/api/v1/alerts/rules/{rule_id}", { params: { path: { rule_id: id } }, body: { enabled } }),
    ),
  );
}

export function useMuteRule() {
  return useAlertMutation(({ id, until }: { id: AlertRule["id"]; until: string | null }) =>
    body(
      api.POST("/api/v1/alerts/rules/{rule_id}/mute", { params: { path: { rule_id: id } }, body: { until } }),
    ),
  );
}

export function useDeleteRule() {
  return useAlertMutation((id: AlertRule["id"]) =>
    body<unknown>(api.DELETE("/api/v1/alerts/rules/{rule_id}", { params: { path: { rule_id: id } } })),
  );
}

export function useCreateChannel() {
  return useAlertMutation((channel: NewChannel) =>
    body(api.POST("/api/v1/alerts/channels", { body: channel })),
  );
}

export function useTestChannel() {
  return useAlertMutation((id: AlertChannel["id"]) =>
    body(api.POST("/api/v1/alerts/channels/{channel_id}/test", { params: { path: { channel_id: id } } })),
  );
}

export function useDeleteChannel() {
  return useAlertMutation((id: AlertChannel["id"]) =>
    body<unknown>(
      api.DELETE("/api/v1/alerts/channels/{channel_id}", { params: { path: { channel_id: id } } }),
    ),
  );
}
