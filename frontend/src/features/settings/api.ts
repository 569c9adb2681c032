import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import { requestScopes } from "@/lib/appBridge";

const REFRESH_MS = 30_000;

export const settingsQuery = queryOptions({
  queryKey: ["settings"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/settings", { signal })),
  refetchInterval: REFRESH_MS,
});

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
