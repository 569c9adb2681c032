import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";
import type { CampaignState, Report } from "@/lib/api/types";
import { saveBlob } from "@/lib/download";

/** A sending campaign moves a bar; a sent one still earns clicks and orders while someone looks. */
const SENDING_MS = 1_000;
const SENT_MS = 3_000;
export const LIST_MS = 5_000;
/** Reading what servers said reads the whole audience. */
const DELIVERABILITY_MS = 15_000;
/** A report of so many people costs the database enough to be read less often. */
const LARGE = 100_000;
const LARGE_MS = 10_000;

export const key = ["campaigns"] as const;
export const path = (id: string) => ({ params: { path: { campaign_id: id } } });

function pace(report: Report | undefined): number | false {
  const { state } = report ?? {};
  const least = (report?.counts.audience ?? 0) > LARGE ? LARGE_MS : 0;
  if (state === "sending" || state === "scheduled") return Math.max(SENDING_MS, least);
  return state === "sent" || state === "paused" ? Math.max(SENT_MS, least) : false;
}

export function reportQuery(id: string) {
  return queryOptions({
    queryKey: [...key, "report", id],
    queryFn: ({ signal }) => body(api.GET("/api/v1/campaigns/{campaign_id}/report", { ...path(id), signal })),
    refetchInterval: ({ state }) => pace(state.data as Report | undefined),
  });
}

/** By receiving domain, and what servers said. */
export function deliverabilityQuery(id: string, state: CampaignState) {
  return queryOptions({
    queryKey: [...key, "deliverability", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/campaigns/{campaign_id}/report/deliverability", { ...path(id), signal })),
    refetchInterval: state === "sending" ? DELIVERABILITY_MS : false,
    staleTime: DELIVERABILITY_MS,
  });
}

/** What became of each version; empty for a campaign of one. */
export function reportVersionsQuery(id: string, state: CampaignState) {
  return queryOptions({
    queryKey: [...key, "report-versions", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/campaigns/{campaign_id}/report/versions", { ...path(id), signal })),
    refetchInterval: state === "sending" || state === "sent" ? DELIVERABILITY_MS : false,
    staleTime: DELIVERABILITY_MS,
  });
}

/** The message with its links named by their numbers; what was sent does not change. */
export function reportMessageQuery(id: string, version: number) {
  return queryOptions({
    queryKey: [...key, "report-message", id, version],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/campaigns/{campaign_id}/report/message", {
          params: { path: { campaign_id: id }, query: { version } },
          signal,
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
}

export function comparisonQuery(ids: readonly string[]) {
  return queryOptions({
    queryKey: [...key, "comparison", ids],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/campaign-comparison", { params: { query: { campaign_id: [...ids] } }, signal })),
  });
}

/** Everything that happened to one person's message. */
export function storyQuery(id: string, customerId: string) {
  return queryOptions({
    queryKey: [...key, "story", id, customerId],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/campaigns/{campaign_id}/recipients/{customer_id}", {
          params: { path: { campaign_id: id, customer_id: customerId } },
          signal,
        }),
      ),
  });
}

/** Fetched with the caller's proof of identity: a plain link carries none inside the admin. */
export function useExport(id: string) {
  return useMutation({
    mutationFn: async (what: "report" | "recipients") => {
      const file =
        what === "report"
          ? body<unknown>(
              api.GET("/api/v1/campaigns/{campaign_id}/report/export", { ...path(id), parseAs: "blob" }),
            )
          : body<unknown>(
              api.GET("/api/v1/campaigns/{campaign_id}/recipients/export", { ...path(id), parseAs: "blob" }),
            );
      saveBlob((await file) as Blob, `${what}-${id}.csv`);
    },
  });
}

export function recipientsQuery(
  id: string,
  state: string,
  q: string,
  campaignState: CampaignState | undefined,
) {
  return infiniteQueryOptions({
    queryKey: [...key, "recipients", id, state, q],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/campaigns/{campaign_id}/recipients", {
          params: {
            path: { campaign_id: id },
            query: {
              ...(state ? { state } : {}),
              ...(q ? { q } : {}),
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: campaignState === "sending" || campaignState === "sent" ? LIST_MS : false,
    placeholderData: keepPreviousData,
  });
}
