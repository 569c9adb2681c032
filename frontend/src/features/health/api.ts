import { queryOptions } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";

type Schemas = components["schemas"];
export type HealthItem = Schemas["HealthItem"];

/** While no stream brings news, somebody who looks should still see what happens. */
export const POLL_MS = 5_000;

export const healthQuery = queryOptions({
  queryKey: ["health-strip"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/health-strip", { signal })),
});

/** What the stream sends: operators get the platform, merchants their shop's tasks. */
export interface JobsSnapshot {
  revision: number | string;
  at: string;
  summary?: Schemas["JobsSummary"];
  health?: readonly HealthItem[];
  running?: readonly Schemas["JobRun"][];
  tasks?: Schemas["Tasks"];
}

/** The same figures, asked for: the way while the stream cannot be had. */
export async function pollSnapshot(isOperator: boolean, signal: AbortSignal): Promise<JobsSnapshot> {
  const at = new Date().toISOString();
  if (!isOperator) {
    return { revision: at, at, tasks: await body(api.GET("/api/v1/tasks", { signal })) };
  }
  const [summary, health, running] = await Promise.all([
    body(api.GET("/api/v1/jobs/summary", { signal })),
    body(api.GET("/api/v1/health-strip", { signal })),
    body(api.GET("/api/v1/jobs", { params: { query: { state: "running" } }, signal })),
  ]);
  return { revision: at, at, summary, health: health.items, running: running.items };
}
