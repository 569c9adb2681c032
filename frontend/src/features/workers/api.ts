import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";

/** A process that stops beating is late after a few seconds; this shows it soon after. */
const LIVE_MS = 3_000;

export const workersQuery = queryOptions({
  queryKey: ["workers"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/workers", { signal })),
  refetchInterval: LIVE_MS,
});
