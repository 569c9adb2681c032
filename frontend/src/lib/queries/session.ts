import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/session", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The stores that the person may switch to in the browser. */
export const ownShopsQuery = queryOptions({
  queryKey: ["session", "shops"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/session/shops", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});
