import { infiniteQueryOptions } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";

export type Discount = components["schemas"]["Discount"];

/** While codes are being made somebody watches the bar; afterwards only redemptions move. */
export const LIVE_MS = 2_000;
export const IDLE_MS = 60_000;

export const discountsKey = ["discounts"] as const;

export function isBeingMade({ state }: Discount): boolean {
  return state === "queued" || state === "running";
}

export const discountsQuery = infiniteQueryOptions({
  queryKey: [...discountsKey, "list"],
  queryFn: ({ pageParam, signal }) =>
    body(api.GET("/api/v1/discounts", { params: { query: pageParam ? { cursor: pageParam } : {} }, signal })),
  initialPageParam: "",
  getNextPageParam: (page) => page.next_cursor,
  refetchInterval: ({ state }) =>
    state.data?.pages.some((page) => page.items.some(isBeingMade)) ? LIVE_MS : IDLE_MS,
});
