import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";

type Schemas = components["schemas"];
export type Workers = Schemas["Workers"];
export type ProcessRow = Schemas["ProcessRow"];
export type FleetCommand = Schemas["FleetCommand"];
export type Circuit = Schemas["CircuitRow"];
export type CommandAction = FleetCommand["action"];

/** A process that stops beating is late after a few seconds; this shows it soon after. */
const LIVE_MS = 3_000;
const CIRCUITS_LIVE_MS = 5_000;

export const workersQuery = queryOptions({
  queryKey: ["workers"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/workers", { signal })),
  refetchInterval: LIVE_MS,
});

export function orphansQuery(name: string) {
  return queryOptions({
    queryKey: ["workers", "orphans", name],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/workers/{name}/orphans", { params: { path: { name } }, signal })),
    refetchInterval: CIRCUITS_LIVE_MS,
  });
}

export function useCommand(name: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (command: { action: CommandAction; slots?: number; reason?: string }) =>
      body(api.POST("/api/v1/workers/{name}/commands", { params: { path: { name } }, body: command })),
    onSettled: () => client.invalidateQueries({ queryKey: workersQuery.queryKey }),
  });
}

export const circuitsQuery = queryOptions({
  queryKey: ["circuits"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/circuits", { signal })),
  refetchInterval: CIRCUITS_LIVE_MS,
});

export function useCloseCircuit() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (host: string) =>
      body<unknown>(api.POST("/api/v1/circuits/{host}/close", { params: { path: { host } } })),
    onSettled: () => client.invalidateQueries({ queryKey: circuitsQuery.queryKey }),
  });
}
