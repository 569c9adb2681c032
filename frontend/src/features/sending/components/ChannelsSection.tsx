import { Banner, BlockStack, Box, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import { channelsQuery, type SendingChannels, useOrderChannels } from "../api";
import { ChannelCard } from "./ChannelCard";
import { ChannelModal } from "./ChannelModal";

/** The servers and providers that mail goes out through, in the order in which they are tried. */
export function ChannelsSection() {
  const { t } = useI18n();
  const query = useQuery(channelsQuery);
  const mayManage = useMay("manage");
  const [isAdding, setAdding] = useState(false);
  return (
    <BlockStack gap="400">
      <Box paddingInline={{ xs: "400", sm: "0" }}>
        <InlineStack align="space-between" blockAlign="center" gap="200">
          <Text as="h2" variant="headingMd">
            {t("sending.channels")}
          </Text>
          {mayManage && <Button onClick={() => setAdding(true)}>{t("sending.channel.add")}</Button>}
        </InlineStack>
      </Box>
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={3} />
          </LoadingRegion>
        }
      >
        {(found) => <Channels found={found} />}
      </QueryView>
      {isAdding && <ChannelModal channel={null} onClose={() => setAdding(false)} />}
    </BlockStack>
  );
}

function Channels({ found }: { found: SendingChannels }) {
  const { t } = useI18n();
  const order = useOrderChannels();
  const ids = found.channels.map((channel) => channel.id);

  function move(index: number, by: number) {
    const moved = [...ids];
    const [id] = moved.splice(index, 1);
    if (id === undefined) return;
    moved.splice(index + by, 0, id);
    order.mutate(moved);
  }

  return (
    <BlockStack gap="400">
      {found.in_use === "installation" && (
        <Card>
          <Text as="p">{t("sending.channel.installation", { count: found.installation_servers })}</Text>
        </Card>
      )}
      {found.channels.length > 1 && (
        <Box paddingInline={{ xs: "400", sm: "0" }}>
          <Text as="p" tone="subdued">
            {t("sending.channel.order_why")}
          </Text>
        </Box>
      )}
      {order.error && <ErrorState error={order.error} title={t("sending.channel.order_failed")} />}
      {found.channels.some((channel) => channel.enabled && channel.signs_itself) && (
        <Banner tone="info">
          <p>{t("sending.channel.signs_itself")}</p>
        </Banner>
      )}
      {found.channels.map((channel, index) => (
        <ChannelCard
          key={channel.id}
          channel={channel}
          onUp={index > 0 ? () => move(index, -1) : undefined}
          onDown={index < ids.length - 1 ? () => move(index, 1) : undefined}
        />
      ))}
    </BlockStack>
  );
}
