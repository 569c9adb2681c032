import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import type { FollowUpKind, LanguagesInput, VariantsInput } from "@/lib/api/types";
import { campaignQuery } from "./api";
import { reportQuery } from "./reportApi";

const RESULT_MS = 5_000;
const path = (id: string) => ({ params: { path: { campaign_id: id } } });

/** `version` makes each save ask again. */
export function variantsQuery(id: string, version: number) {
  return queryOptions({
    queryKey: ["campaigns", "variants", id, version],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/campaigns/{campaign_id}/variants", { ...path(id), signal })),
  });
}

export function testResultQuery(id: string) {
  return queryOptions({
    queryKey: ["campaigns", "test-result", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/campaigns/{campaign_id}/test-result", { ...path(id), signal })),
    refetchInterval: ({ state: { data } }) => (data && data.phase !== "decided" ? RESULT_MS : false),
  });
}

export function useSaveVariants(id: string) {
  return useMutation({
    mutationFn: (given: VariantsInput) =>
      body(api.PUT("/api/v1/campaigns/{campaign_id}/variants", { ...path(id), body: given })),
  });
}

export function useSaveLanguages(id: string) {
  return useMutation({
    mutationFn: (given: LanguagesInput) =>
      body(api.PUT("/api/v1/campaigns/{campaign_id}/languages", { ...path(id), body: given })),
  });
}

export function usePickWinner(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (number: number) =>
      body(api.POST("/api/v1/campaigns/{campaign_id}/winner", { ...path(id), body: { number } })),
    onSuccess: async (campaign) => {
      client.setQueryData(campaignQuery(id).queryKey, campaign);
      await Promise.all([
        client.invalidateQueries({ queryKey: testResultQuery(id).queryKey }),
        client.invalidateQueries({ queryKey: reportQuery(id).queryKey }),
      ]);
    },
  });
}

export function useFollowUp(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (kind: FollowUpKind) =>
      body(api.POST("/api/v1/campaigns/{campaign_id}/follow-up", { ...path(id), body: { kind } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["campaigns", "list"] }),
  });
}
