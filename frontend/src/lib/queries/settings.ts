import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";

const REFRESH_MS = 30_000;

export const settingsQuery = queryOptions({
  queryKey: ["settings"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/settings", { signal })),
  refetchInterval: REFRESH_MS,
});
