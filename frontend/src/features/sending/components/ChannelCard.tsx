import { BlockStack, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { ErrorState } from "@/components/ErrorState";
import { RowMenu } from "@/components/RowMenu";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import { type SendingChannel, useRemoveChannel, useTestChannel } from "../api";
import { ChannelModal } from "./ChannelModal";
import { ReturnsAddress } from "./ReturnsAddress";

interface Props {
  channel: SendingChannel;
  onUp: (() => void) | undefined;
  onDown: (() => void) | undefined;
}

/** One server or provider: where it leads, its limits, how its last test went. */
export function ChannelCard({ channel, onUp, onDown }: Props) {
  const { t } = useI18n();
  const mayManage = useMay("manage");
  const test = useTestChannel();
  const [asked, setAsked] = useState<"change" | "remove" | null>(null);
  const { host, port, region, domain, stream } = channel.config;
  const where = [host && `${host}:${port}`, domain, region, stream].filter(Boolean).join(" · ");
  const limits = channel.per_second
    ? t("sending.channel.limits", { count: channel.connections, rate: channel.per_second })
    : t("sending.channel.no_limit", { count: channel.connections });
  const state = !channel.enabled ? "paused" : channel.error ? "failed" : channel.tested_at ? "ok" : "staged";
  return (
    <Card>
      <BlockStack gap="300">
        <InlineStack align="space-between" blockAlign="center" gap="200">
          <InlineStack gap="200" blockAlign="center">
            <Text as="h3" variant="headingSm" breakWord>
              {channel.title}
            </Text>
            <StateBadge state={state} label={t(`sending.channel_state.${state}`)} />
          </InlineStack>
          {mayManage && (
            <InlineStack gap="200" blockAlign="center">
              <Button
                loading={test.isPending}
                accessibilityLabel={t("sending.channel.test_of", { title: channel.title })}
                onClick={() => test.mutate(channel.id)}
              >
                {t("sending.channel.test")}
              </Button>
              <RowMenu
                label={t("sending.actions_of", { name: channel.title })}
                actions={[
                  { content: t("sending.channel.change"), onAction: () => setAsked("change") },
                  ...(onUp ? [{ content: t("sending.channel.up"), onAction: onUp }] : []),
                  ...(onDown ? [{ content: t("sending.channel.down"), onAction: onDown }] : []),
                  {
                    content: t("sending.remove"),
                    destructive: true,
                    onAction: () => setAsked("remove"),
                  },
                ]}
              />
            </InlineStack>
          )}
        </InlineStack>
        <Text as="p" tone="subdued" breakWord>
          {[t(`sending.kind.${channel.kind}`), where, limits].filter(Boolean).join(" · ")}
        </Text>
        {test.error && <ErrorState error={test.error} title={t("sending.channel.test_failed")} />}
        {channel.error && (
          <Text as="p" tone="critical" breakWord>
            {channel.error}
          </Text>
        )}
        {channel.returns_url && <ReturnsAddress channel={channel} url={channel.returns_url} />}
        {channel.tested_at && (
          <Text as="p" tone="subdued">
            {t("sending.channel.tested")} <TimeAgo at={channel.tested_at} />
          </Text>
        )}
      </BlockStack>
      {asked === "change" && <ChannelModal channel={channel} onClose={() => setAsked(null)} />}
      {asked === "remove" && <RemoveModal channel={channel} onClose={() => setAsked(null)} />}
    </Card>
  );
}

function RemoveModal({ channel, onClose }: { channel: SendingChannel; onClose: () => void }) {
  const { t } = useI18n();
  const remove = useRemoveChannel();
  return (
    <ActModal
      title={t("sending.channel.remove_title", { title: channel.title })}
      consequence={t("sending.channel.remove_body")}
      action={t("sending.remove")}
      destructive
      error={remove.error}
      isPending={remove.isPending}
      onAct={() => remove.mutate(channel.id, { onSuccess: onClose })}
      onClose={onClose}
    />
  );
}
