import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";

const REFRESH_MS = 30_000;

export const settingsQuery = queryOptions({
  queryKey: ["settings"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/settings", { signal })),
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

export function useActivatePixel() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.POST("/api/v1/settings/pixel/activate")),
    onSuccess: () => client.invalidateQueries({ queryKey: settingsQuery.queryKey }),
  });
}
