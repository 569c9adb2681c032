import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";

type Schemas = components["schemas"];
export type Schedule = Schemas["Schedule"];
export type ScheduleResult = Schedule["last_results"][number];
export type NextRun = Schedule["next_runs"][number];
export type ScheduleBody = Schemas["NewSchedule"];
export type OpenJob = Schemas["SchedulableJob"];
export type ScheduleAction = "pause" | "resume" | "skip" | "unskip" | "run";

const LIVE_MS = 5_000;

const key = ["schedules"] as const;

export const schedulesQuery = queryOptions({
  queryKey: [...key, "list"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/schedules", { signal })),
  refetchInterval: LIVE_MS,
});

/** What people may start by themselves, with the form of its input. */
export const openJobsQuery = queryOptions({
  queryKey: [...key, "jobs"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/schedules/jobs", { signal })),
  staleTime: 300_000,
});

export interface When {
  cron: string | null;
  interval_s: number | null;
  timezone: string;
}

export function previewQuery(when: When) {
  return queryOptions({
    queryKey: [...key, "preview", when],
    queryFn: ({ signal }) => body(api.POST("/api/v1/schedules/preview", { body: when, signal })),
    retry: false,
    staleTime: 30_000,
  });
}

export function useScheduleAction() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, action }: { id: Schedule["id"]; action: ScheduleAction }) => {
      const at = { params: { path: { schedule_id: Number(id) } } };
      switch (action) {
        case "pause":
          return body<unknown>(api.POST("/api/v1/schedules/{schedule_id}/pause", at));
        case "resume":
          return body<unknown>(api.POST("/api/v1/schedules/{schedule_id}/resume", at));
        case "skip":
          return body<unknown>(api.POST("/api/v1/schedules/{schedule_id}/skip", at));
        case "unskip":
          return body<unknown>(api.POST("/api/v1/schedules/{schedule_id}/unskip", at));
        case "run":
          return body<unknown>(api.POST("/api/v1/schedules/{schedule_id}/run", at));
      }
    },
    onSettled: () => client.invalidateQueries({ queryKey: schedulesQuery.queryKey }),
  });
}

export function useDeleteSchedule() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: Schedule["id"]) =>
      body<unknown>(
        api.DELETE("/api/v1/schedules/{schedule_id}", { params: { path: { schedule_id: Number(id) } } }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: schedulesQuery.queryKey }),
  });
}

export function useSaveSchedule(id: Schedule["id"] | null) {
  const client = useQueryClient();
  return useMutation({
    // The task of a schedule stays what it is: another task is another schedule.
    mutationFn: ({ job_name, ...draft }: ScheduleBody) =>
      id === null
        ? body(api.POST("/api/v1/schedules", { body: { ...draft, job_name } }))
        : body(
            api.PATCH("/api/v1/schedules/{schedule_id}", {
              params: { path: { schedule_id: Number(id) } },
              body: draft,
            }),
          ),
    onSuccess: () => client.invalidateQueries({ queryKey: schedulesQuery.queryKey }),
  });
}
