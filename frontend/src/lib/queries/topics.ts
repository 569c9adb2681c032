import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";

export const topicsKey = ["topics"] as const;

/** What recipients may choose to hear about, archived topics too. */
export const topicsQuery = queryOptions({
  queryKey: topicsKey,
  queryFn: async ({ signal }) => (await body(api.GET("/api/v1/topics", { signal }))).topics,
});
