import { Banner, BlockStack, Box, Button, InlineStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import { type AlertChannel, channelsQuery, useDeleteChannel, useTestChannel } from "../api";
import { ChannelModal } from "./ChannelModal";

/** Where alerts go. A target is shown masked, a secret only once. */
export function ChannelsCard() {
  const { t } = useI18n();
  const query = useQuery(channelsQuery);
  const mayOperate = useMay("operate");
  const test = useTestChannel();
  const remove = useDeleteChannel();
  const [isAdding, setAdding] = useState(false);
  const [doomed, setDoomed] = useState<AlertChannel | null>(null);
  const tested = query.data?.find((channel) => channel.id === test.variables);

  const columns: Column<AlertChannel>[] = [
    { key: "title", header: t("alerts.channel.title"), cell: (channel) => channel.title },
    { key: "kind", header: t("alerts.channel.kind"), cell: (channel) => t(`alerts.kind.${channel.kind}`) },
    {
      key: "target",
      header: t("alerts.channel.target"),
      cell: (channel) => <code>{channel.target}</code>,
    },
    {
      key: "actions",
      header: t("queue_page.actions"),
      long: true,
      cell: (channel) =>
        mayOperate ? (
          <InlineStack gap="200">
            <Button
              size="slim"
              loading={test.isPending && test.variables === channel.id}
              accessibilityLabel={t("alerts.test_of", { title: channel.title })}
              onClick={() => test.mutate(channel.id)}
            >
              {t("alerts.test")}
            </Button>
            <Button
              size="slim"
              tone="critical"
              variant="tertiary"
              accessibilityLabel={t("alerts.delete_channel_of", { title: channel.title })}
              onClick={() => setDoomed(channel)}
            >
              {t("alerts.delete")}
            </Button>
          </InlineStack>
        ) : (
          "–"
        ),
    },
  ];

  return (
    <BlockStack gap="400">
      {test.error && <ErrorState error={test.error} title={t("alerts.test_failed")} />}
      {test.data && tested && (
        <Banner
          tone={test.data.ok ? "success" : "critical"}
          title={
            test.data.ok
              ? t("alerts.test_sent", { title: tested.title })
              : t("alerts.test_refused", { title: tested.title })
          }
          onDismiss={test.reset}
        >
          {test.data.error && <p>{test.data.error}</p>}
        </Banner>
      )}
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={2} />
          </LoadingRegion>
        }
      >
        {(channels) => (
          <TableCard
            title={t("alerts.channels")}
            actions={mayOperate && <Button onClick={() => setAdding(true)}>{t("alerts.add_channel")}</Button>}
          >
            {channels.length === 0 ? (
              <Box padding="400" paddingBlockStart="0">
                <Text as="p" tone="subdued">
                  {t("alerts.no_channel")}
                </Text>
              </Box>
            ) : (
              <DataTable
                caption={t("alerts.channels")}
                columns={columns}
                rows={channels}
                rowKey={(channel) => channel.id}
              />
            )}
          </TableCard>
        )}
      </QueryView>
      {isAdding && <ChannelModal onClose={() => setAdding(false)} />}
      {doomed && (
        <ActModal
          title={t("alerts.delete_channel_title", { title: doomed.title })}
          consequence={t("alerts.delete_channel_body")}
          action={t("alerts.delete")}
          destructive
          error={remove.error}
          isPending={remove.isPending}
          onAct={() => remove.mutate(doomed.id, { onSuccess: () => setDoomed(null) })}
          onClose={() => setDoomed(null)}
        />
      )}
    </BlockStack>
  );
}
