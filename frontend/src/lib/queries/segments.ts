import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";

export const segmentsKey = ["segments"] as const;

/** The shop's segments, for the list and for choosing a campaign's audience. */
export const segmentsQuery = queryOptions({
  queryKey: [...segmentsKey, "list"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/segments", { signal })),
});
