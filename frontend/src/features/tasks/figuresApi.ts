import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import type { FigureWindow } from "@/lib/api/jobTypes";

/** Figures are counted by the minute, so nothing is missed in between. */
const MINUTE_MS = 60_000;

export function figuresQuery(window: FigureWindow) {
  return queryOptions({
    queryKey: ["jobs", "figures", window],
    queryFn: ({ signal }) => body(api.GET("/api/v1/jobs/figures", { params: { query: { window } }, signal })),
    refetchInterval: MINUTE_MS,
    placeholderData: keepPreviousData,
  });
}

export function seriesQuery(window: FigureWindow, name: string) {
  return queryOptions({
    queryKey: ["jobs", "series", window, name],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/jobs/series", {
          params: { query: { window, ...(name ? { name } : {}) } },
          signal,
        }),
      ),
    refetchInterval: MINUTE_MS,
    placeholderData: keepPreviousData,
  });
}
