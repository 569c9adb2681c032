import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";

type Schemas = components["schemas"];
export type Workflow = Schemas["Workflow"];
export type WorkflowRow = Schemas["WorkflowRow"];
export type WorkflowState = WorkflowRow["state"];
export type WorkflowNode = Workflow["nodes"][number];
export type NodeState = WorkflowNode["state"];
export type WorkflowAction = "pause" | "resume" | "cancel" | "retry";
/** As typed: the API judges it. */
export type Definition = Record<string, unknown>;

const LIVE_MS = 3_000;

const key = ["workflows"] as const;

export function workflowsQuery(state: WorkflowState | "") {
  return infiniteQueryOptions({
    queryKey: [...key, "list", state],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/workflows", {
          params: { query: { ...(state ? { state } : {}), ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: LIVE_MS,
  });
}

export function workflowQuery(id: string) {
  return queryOptions({
    queryKey: [...key, "one", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/workflows/{workflow_id}", { params: { path: { workflow_id: id } }, signal })),
    refetchInterval: LIVE_MS,
  });
}

export const partsQuery = queryOptions({
  queryKey: [...key, "parts"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/workflows/parts", { signal })),
  staleTime: 300_000,
});

export function checkQuery(definition: Definition) {
  return queryOptions({
    queryKey: [...key, "check", definition],
    queryFn: ({ signal }) => body(api.POST("/api/v1/workflows/validate", { body: definition, signal })),
    retry: false,
    staleTime: 60_000,
  });
}

export function useCreateWorkflow() {
  const client = useQueryClient();
  return useMutation({
    // The document is whatever somebody typed; what is wrong with it comes back with pointers.
    mutationFn: (definition: Definition) =>
      body(api.POST("/api/v1/workflows", { body: definition as Schemas["WorkflowInput"] })),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
}

export function useWorkflowAction(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: WorkflowAction) => {
      const at = { params: { path: { workflow_id: id } } };
      switch (action) {
        case "pause":
          return body(api.POST("/api/v1/workflows/{workflow_id}/pause", at));
        case "resume":
          return body(api.POST("/api/v1/workflows/{workflow_id}/resume", at));
        case "cancel":
          return body(api.POST("/api/v1/workflows/{workflow_id}/cancel", at));
        case "retry":
          return body(api.POST("/api/v1/workflows/{workflow_id}/retry", at));
      }
    },
    onSettled: () => client.invalidateQueries({ queryKey: key }),
  });
}
