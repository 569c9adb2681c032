import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { components, paths } from "@/generated/api";
import { api, body } from "@/lib/api/client";

type Schemas = components["schemas"];

export type Delivery = Schemas["DeliveryRow"];
export type DeliveryDetail = Schemas["DeliveryDetail"];
export type DeliveryState = Delivery["state"];
export type MissedDay = Schemas["MissedDay"];
export type ReplayAnswer = Schemas["ReplayAnswer"];
export type ReplayRequest = Schemas["DeliveryReplay"];
export type TopicFigures = Schemas["TopicFigures"];
export type TopicReport = Schemas["TopicReport"];

type Filter = NonNullable<paths["/api/v1/webhooks/deliveries"]["get"]["parameters"]["query"]>;

/** Deliveries come all the time; a page that somebody reads need not move by the second. */
const REFRESH_MS = 15_000;

const WAITED_FOR_MS = 2_000;

export const webhooksKey = ["webhooks"] as const;

export function topicsQuery(hours: number) {
  return queryOptions({
    queryKey: [...webhooksKey, "topics", hours],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/webhooks/topics", { params: { query: { hours } }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
}

export function deliveriesQuery(filter: Filter) {
  return infiniteQueryOptions({
    queryKey: [...webhooksKey, "list", filter],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/webhooks/deliveries", {
          params: { query: { ...filter, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
}

/** Every look at a payload is written down, so that it is read once and not again by itself. */
export function deliveryQuery(id: number) {
  return queryOptions({
    queryKey: [...webhooksKey, "one", id],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/webhooks/deliveries/{delivery_id}", {
          params: { path: { delivery_id: id } },
          signal,
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** What became of a delivery by now, without its payload: it may be asked for as often as somebody waits. */
export function fateQuery({ id, webhook_id }: Pick<Delivery, "id" | "webhook_id">) {
  return queryOptions({
    queryKey: [...webhooksKey, "fate", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/webhooks/deliveries", { params: { query: { q: webhook_id } }, signal })),
    select: ({ items }) => items.find((row) => row.id === id)?.state ?? null,
    refetchInterval: WAITED_FOR_MS,
    gcTime: 0,
  });
}

export function replay(request: ReplayRequest): Promise<ReplayAnswer> {
  return body(api.POST("/api/v1/webhooks/replay", { body: request }));
}
