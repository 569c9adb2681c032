import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";

type Schemas = components["schemas"];
export type SendingDomain = Schemas["SendingDomain"];
export type DomainRecord = Schemas["DomainRecord"];
export type DomainCheck = Schemas["DomainCheck"];
export type SendingChannel = Schemas["SendingChannel"];
export type SendingChannels = Schemas["SendingChannels"];
export type ChannelInput = Schemas["ChannelInput"];

const key = ["sending"] as const;

export const domainsQuery = queryOptions({
  queryKey: [...key, "domains"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/sending/domains", { signal })),
});

export const policyQuery = queryOptions({
  queryKey: ["contact-policy"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/contact-policy", { signal })),
});

export function useSavePolicy() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (policy: Schemas["ContactPolicyInput"]) =>
      body(api.PUT("/api/v1/contact-policy", { body: policy })),
    onSuccess: (policy) => client.setQueryData(policyQuery.queryKey, policy),
  });
}

export const channelsQuery = queryOptions({
  queryKey: [...key, "channels"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/sending/channels", { signal })),
});

function useSendingMutation<V, R>(act: (value: V) => Promise<R>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: act, onSettled: () => client.invalidateQueries({ queryKey: key }) });
}

export function useAddDomain() {
  return useSendingMutation((domain: string) =>
    body(api.POST("/api/v1/sending/domains", { body: { domain } })),
  );
}

export function useVerifyDomain() {
  return useSendingMutation((id: SendingDomain["id"]) =>
    body(api.POST("/api/v1/sending/domains/{domain_id}/verify", { params: { path: { domain_id: id } } })),
  );
}

export function useRotateKeys() {
  return useSendingMutation((id: SendingDomain["id"]) =>
    body(api.POST("/api/v1/sending/domains/{domain_id}/rotate", { params: { path: { domain_id: id } } })),
  );
}

export function useRemoveDomain() {
  return useSendingMutation((id: SendingDomain["id"]) =>
    body(api.DELETE("/api/v1/sending/domains/{domain_id}", { params: { path: { domain_id: id } } })),
  );
}

export function useSaveChannel(id: SendingChannel["id"] | null) {
  return useSendingMutation((channel: ChannelInput) =>
    id === null
      ? body(api.POST("/api/v1/sending/channels", { body: channel }))
      : body(
          api.PUT("/api/v1/sending/channels/{sending_channel_id}", {
            params: { path: { sending_channel_id: id } },
            body: channel,
          }),
        ),
  );
}

export function useTestChannel() {
  return useSendingMutation((id: SendingChannel["id"]) =>
    body(
      api.POST("/api/v1/sending/channels/{sending_channel_id}/test", {
        params: { path: { sending_channel_id: id } },
      }),
    ),
  );
}

export function useRemoveChannel() {
  return useSendingMutation((id: SendingChannel["id"]) =>
    body(
      api.DELETE("/api/v1/sending/channels/{sending_channel_id}", {
        params: { path: { sending_channel_id: id } },
      }),
    ),
  );
}

export function useOrderChannels() {
  return useSendingMutation((ids: string[]) =>
    body(api.PUT("/api/v1/sending/channels/order", { body: { ids } })),
  );
}
