import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";
import { saveBlob } from "@/lib/download";
import { type Discount, IDLE_MS, isBeingMade, discountsKey as key, LIVE_MS } from "@/lib/queries/discounts";

type Schemas = components["schemas"];
export type NewDiscount = Schemas["NewDiscount"];

export function discountQuery(id: string) {
  return queryOptions({
    queryKey: [...key, "one", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/discounts/{discount_id}", { params: { path: { discount_id: id } }, signal })),
    refetchInterval: ({ state }) => (state.data && isBeingMade(state.data) ? LIVE_MS : IDLE_MS),
  });
}

/** Whether the store allows what discounts need. */
export const discountsAllowedQuery = queryOptions({
  queryKey: ["settings", "scopes"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/settings/scopes", { signal })),
  select: ({ features }) => features.find(({ feature }) => feature === "discounts")?.granted ?? false,
});

/** `once` names the wish: sent twice it is carried out once. */
export function useCreateDiscount() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ once, ...discount }: NewDiscount & { once: string }) =>
      body(api.POST("/api/v1/discounts", { body: discount, headers: { "Idempotency-Key": once } })),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
}

/** Fetched with the caller's proof of identity: a plain link carries none inside the admin. */
export function useDownloadCodes() {
  return useMutation({
    mutationFn: async (discount: Discount) => {
      const file = await body<unknown>(
        api.GET("/api/v1/discounts/{discount_id}/codes", {
          params: { path: { discount_id: discount.id } },
          parseAs: "blob",
        }),
      );
      saveBlob(file as Blob, `codes-${discount.id}.csv`);
    },
  });
}
