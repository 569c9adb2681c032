import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import type { BrandKit } from "@/lib/api/types";
import { requestScopes } from "@/lib/appBridge";
import { lookQuery } from "@/lib/queries/look";
import { settingsQuery } from "@/lib/queries/settings";

const REFRESH_MS = 30_000;

export const latestSyncQuery = queryOptions({
  queryKey: ["syncs", "latest"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/syncs", { signal })),
  select: ({ items }) => items[0] ?? null,
  refetchInterval: REFRESH_MS,
});

export function useSaveSender() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (sender: { name: string; email: string }) =>
      body(api.PUT("/api/v1/settings/sender", { body: sender })),
    onSuccess: () => client.invalidateQueries({ queryKey: settingsQuery.queryKey }),
  });
}

export function useSaveDoubleOptIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (enabled: boolean) => body(api.PUT("/api/v1/settings/double-opt-in", { body: { enabled } })),
    onSuccess: (settings) => client.setQueryData(settingsQuery.queryKey, settings),
  });
}

/** A message in a look that nobody has set yet. */
export function lookPictureQuery(look: BrandKit) {
  return queryOptions({
    queryKey: ["brand", "picture", look],
    queryFn: ({ signal }) => body(api.POST("/api/v1/brand/picture", { body: look, signal })),
    placeholderData: keepPreviousData,
    retry: false,
  });
}

export function useSaveLook() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (look: BrandKit) => body(api.PUT("/api/v1/brand", { body: look })),
    onSuccess: async (look) => {
      client.setQueryData(lookQuery.queryKey, look);
      // The gallery's pictures are in the shop's look.
      await client.invalidateQueries({ queryKey: ["templates"] });
    },
  });
}

export const scopesQuery = queryOptions({
  queryKey: ["settings", "scopes"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/settings/scopes", { signal })),
});

export type PixelAction = "activate" | "check" | "deactivate";

export function useChangePixel() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: PixelAction) => body(api.POST(`/api/v1/settings/pixel/${action}`)),
    onSuccess: () => client.invalidateQueries({ queryKey: settingsQuery.queryKey }),
  });
}

/** Asks the merchant in Shopify's dialogue, then Shopify for what is true now; whether all was granted. */
export function useGrantScopes() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (scopes: readonly string[]) => {
      const granted = await requestScopes(scopes);
      if (granted) await body(api.POST("/api/v1/settings/scopes/refresh"));
      return granted;
    },
    onSuccess: () => client.invalidateQueries({ queryKey: settingsQuery.queryKey }),
  });
}
