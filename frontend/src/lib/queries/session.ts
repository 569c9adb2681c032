import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/session", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});
