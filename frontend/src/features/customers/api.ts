import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";

type Schemas = components["schemas"];
export type CustomerDetail = Schemas["CustomerDetail"];
export type TimelineEntry = Schemas["TimelineEntry"];
export type StoreCredit = Schemas["StoreCredit"];
export type StoreCreditBalance = Schemas["StoreCreditBalance"];
export type NewStoreCredit = Schemas["NewStoreCredit"];
export type PrivacyKind = Schemas["NewPrivacyRequest"]["kind"];

/** While a credit is on its way to Shopify somebody waits for it. */
const LIVE_MS = 2_000;

const key = ["customers"] as const;

export function customerListQuery(search: string) {
  return infiniteQueryOptions({
    queryKey: [...key, "list", search],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/customers", {
          params: { query: { ...(search ? { search } : {}), ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });
}

/** How many customers there are, and how many of them get e-mail. */
export const totalsQuery = queryOptions({
  queryKey: ["home", "totals"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/home", { signal })),
  select: ({ totals }) => totals,
  staleTime: 60_000,
});

/** Every look at a person is written down, so that it is read once and not again by itself. */
export function customerQuery(id: string) {
  return queryOptions({
    queryKey: [...key, "one", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/customers/{customer_id}", { params: { path: { customer_id: id } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function segmentsOfQuery(id: string) {
  return queryOptions({
    queryKey: [...key, "segments", id],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/segments/of-customer/{customer_id}", {
          params: { path: { customer_id: id } },
          signal,
        }),
      ),
  });
}

function isOnItsWay({ state }: StoreCredit): boolean {
  return state === "planned" || state === "sent" || state === "unknown";
}

export function storeCreditQuery(id: string) {
  return infiniteQueryOptions({
    queryKey: [...key, "credit", id],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/customers/{customer_id}/store-credit", {
          params: { path: { customer_id: id }, query: pageParam ? { cursor: pageParam } : {} },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some(isOnItsWay)) ? LIVE_MS : false,
  });
}

/** Shopify's own figure, asked for when the page is opened and after each credit; a customer may spend at any time. */
export function creditBalanceQuery(id: string, settled: number) {
  return queryOptions({
    queryKey: [...key, "credit-balance", id, settled],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/customers/{customer_id}/store-credit/balance", {
          params: { path: { customer_id: id } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
}

/** Whether the store allows what store credit needs. */
export const creditAllowedQuery = queryOptions({
  queryKey: ["settings", "scopes"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/settings/scopes", { signal })),
  select: ({ features }) => features.find(({ feature }) => feature === "store_credit")?.granted ?? false,
});

/** `once` names the wish: sent twice it is carried out once. */
export function useGiveCredit(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ once, ...credit }: NewStoreCredit & { once: string }) =>
      body(
        api.POST("/api/v1/customers/{customer_id}/store-credit", {
          params: { path: { customer_id: id }, header: { "Idempotency-Key": once } },
          body: credit,
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: storeCreditQuery(id).queryKey }),
  });
}

export function useAskForPrivacy(customer: CustomerDetail) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (kind: PrivacyKind) =>
      body(
        api.POST("/api/v1/privacy/requests", {
          body: { kind, customer_id: customer.shopify_id, email: customer.email },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["privacy"] }),
  });
}
