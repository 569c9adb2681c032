import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import type { components, paths } from "@/generated/api";
import { api, body } from "@/lib/api/client";
import type { Campaign, CampaignChanges, CampaignState } from "@/lib/api/types";
import { key, LIST_MS, path, reportQuery } from "./reportApi";

export type CampaignSort = NonNullable<
  NonNullable<paths["/api/v1/campaigns"]["get"]["parameters"]["query"]>["sort"]
>;

export function campaignsQuery(state: CampaignState | "", sort: CampaignSort = "newest") {
  return infiniteQueryOptions({
    queryKey: [...key, "list", state, sort],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/campaigns", {
          params: {
            query: {
              ...(state ? { state } : {}),
              ...(sort === "newest" ? {} : { sort }),
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ({ state: { data } }) =>
      data?.pages.some((page) => page.items.some((row) => row.state === "sending")) ? LIST_MS : false,
    placeholderData: keepPreviousData,
  });
}

export function campaignQuery(id: string) {
  return queryOptions({
    queryKey: [...key, "one", id],
    queryFn: ({ signal }) => body(api.GET("/api/v1/campaigns/{campaign_id}", { ...path(id), signal })),
  });
}

export interface PreviewContent {
  subject: string;
  preview_text: string;
  html?: string;
  mjml?: string;
}

/**
 * The message as one customer gets it (somebody of the audience until one is chosen), with the editor's unsaved content.
 * Without a `version` it is that of the customer's language. `stored` is what else it shows that the campaign has stored: audience and products.
 */
export function previewQuery(
  id: string,
  stored: readonly (string | null)[],
  customerId: string | null,
  version: number | null,
  content: PreviewContent,
) {
  return queryOptions({
    queryKey: [...key, "preview", id, stored, customerId, version, content],
    queryFn: ({ signal }) =>
      body(
        api.POST("/api/v1/campaigns/{campaign_id}/preview", {
          ...path(id),
          body: {
            ...(customerId ? { customer_id: customerId } : {}),
            ...(version === null ? {} : { version }),
            ...content,
          },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    retry: false,
  });
}

/** Recipients that messages look odd to, to look at it as; `segmentId` is the audience that they are of. */
export function samplesQuery(id: string, segmentId: string | null) {
  return queryOptions({
    queryKey: [...key, "samples", id, segmentId],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/campaigns/{campaign_id}/samples", { ...path(id), signal })),
    staleTime: 300_000,
  });
}

/** The subject of a saved campaign as somebody of its audience reads it. */
export function sampleSubjectQuery(id: string, subject: string) {
  return queryOptions({
    queryKey: [...key, "subject", id, subject],
    queryFn: ({ signal }) =>
      body(api.POST("/api/v1/campaigns/{campaign_id}/preview", { ...path(id), body: {}, signal })),
    select: (preview) => preview.subject,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
}

/** `version` makes each save ask again. */
export function audienceQuery(id: string, version: number) {
  return queryOptions({
    queryKey: [...key, "audience", id, version],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/campaigns/{campaign_id}/audience", { ...path(id), signal })),
    placeholderData: keepPreviousData,
  });
}

export function gateQuery(id: string, version: number) {
  return queryOptions({
    queryKey: [...key, "gate", id, version],
    queryFn: ({ signal }) => body(api.GET("/api/v1/campaigns/{campaign_id}/gate", { ...path(id), signal })),
    placeholderData: keepPreviousData,
  });
}

/** What the world outside says of the links and products of the saved version; it takes some seconds. */
export function liveGateQuery(id: string, version: number) {
  return queryOptions({
    queryKey: [...key, "gate-live", id, version],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/campaigns/{campaign_id}/gate/live", { ...path(id), signal })),
    staleTime: 300_000,
    retry: false,
  });
}

export function useCreateCampaign() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: { name: string; template_key: string }) =>
      body(api.POST("/api/v1/campaigns", { body: draft })),
    onSuccess: () => client.invalidateQueries({ queryKey: [...key, "list"] }),
  });
}

export function useSaveCampaign(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (patch: CampaignChanges) =>
      body(api.PATCH("/api/v1/campaigns/{campaign_id}", { ...path(id), body: patch })),
    onSuccess: (campaign) => {
      client.setQueryData(campaignQuery(id).queryKey, campaign);
      return client.invalidateQueries({ queryKey: [...key, "list"] });
    },
  });
}

export function useSetPriority(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: components["schemas"]["PriorityInput"]) =>
      body(api.PUT("/api/v1/campaigns/{campaign_id}/priority", { ...path(id), body: given })),
    onSuccess: (campaign) => client.setQueryData(campaignQuery(id).queryKey, campaign),
  });
}

export function useDeleteCampaign(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.DELETE("/api/v1/campaigns/{campaign_id}", path(id))),
    onSuccess: () => client.invalidateQueries({ queryKey: [...key, "list"] }),
  });
}

export function useTestSend(id: string) {
  return useMutation({
    mutationFn: (given: { email: string; version: number | null }) =>
      body(api.POST("/api/v1/campaigns/{campaign_id}/test", { ...path(id), body: given })),
  });
}

export interface SendOrder {
  scheduled_at?: string;
  /** The number that the person saw and agreed to. */
  confirm_recipients: number;
}

function useTransition<T>(id: string, run: (order: T) => Promise<Campaign>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: run,
    onSuccess: async (campaign) => {
      client.setQueryData(campaignQuery(id).queryKey, campaign);
      await Promise.all([
        client.invalidateQueries({ queryKey: [...key, "list"] }),
        client.invalidateQueries({ queryKey: reportQuery(id).queryKey }),
      ]);
    },
  });
}

export function useSendCampaign(id: string) {
  return useTransition(id, (order: SendOrder) =>
    body(api.POST("/api/v1/campaigns/{campaign_id}/send", { ...path(id), body: order })),
  );
}

export function usePauseCampaign(id: string) {
  return useTransition<void>(id, () => body(api.POST("/api/v1/campaigns/{campaign_id}/pause", path(id))));
}

export function useResumeCampaign(id: string) {
  return useTransition<void>(id, () => body(api.POST("/api/v1/campaigns/{campaign_id}/resume", path(id))));
}

export function useCancelCampaign(id: string) {
  return useTransition<void>(id, () => body(api.POST("/api/v1/campaigns/{campaign_id}/cancel", path(id))));
}

export function useDuplicateCampaign(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.POST("/api/v1/campaigns/{campaign_id}/duplicate", path(id))),
    onSuccess: () => client.invalidateQueries({ queryKey: [...key, "list"] }),
  });
}
