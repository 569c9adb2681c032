import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";

/** Orders come in by the minute; a page left open keeps up without being a load. */
const REFRESH_MS = 60_000;

export function overviewQuery(days: number) {
  return queryOptions({
    queryKey: ["analytics", "overview", days],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/analytics/overview", { params: { query: { days } }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
}
