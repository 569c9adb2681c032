import { BlockStack, Card, InlineGrid, InlineStack, Text } from "@shopify/polaris";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useParams } from "react-router";
import { Facts } from "@/components/Facts";
import { JsonCard } from "@/components/JsonCard";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import { type DeliveryDetail, deliveryQuery, fateQuery } from "../api";
import { TONES } from "../components/DeliveryTable";
import { ReplayModal } from "../components/ReplayModal";

const REPLAYABLE = ["dead", "unhandled", "stale", "applied"] as const;

/** One delivery: when it came, what became of it and, masked, what it said. */
export function DeliveryPage() {
  const { t } = useI18n();
  const { deliveryId = "" } = useParams();
  const query = useQuery(deliveryQuery(Number(deliveryId)));
  const mayOperate = useMay("operate");
  const [replaying, setReplaying] = useState(false);
  const delivery = query.data;
  const state = REPLAYABLE.find((one) => one === delivery?.state);
  return (
    <Page
      title={delivery?.topic ?? t("webhooks.delivery")}
      backAction={{ content: t("webhooks.title"), url: "/settings/webhooks" }}
      fullWidth
      {...(mayOperate && state
        ? { primaryAction: { content: t("webhooks.replay.one"), onAction: () => setReplaying(true) } }
        : {})}
    >
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={8} />
          </LoadingRegion>
        }
      >
        {(data) => (
          <>
            {(data.state === "waiting" || data.state === "retrying") && <Follow delivery={data} />}
            <Content delivery={data} />
          </>
        )}
      </QueryView>
      {replaying && delivery && state && (
        <ReplayModal request={{ ids: [delivery.id], state }} onClose={() => setReplaying(false)} />
      )}
    </Page>
  );
}

/** Shows the delivery anew as soon as something has become of it. */
function Follow({ delivery }: { delivery: DeliveryDetail }) {
  const client = useQueryClient();
  const fate = useQuery(fateQuery(delivery)).data;
  useEffect(() => {
    if (fate && fate !== delivery.state)
      void client.invalidateQueries({ queryKey: deliveryQuery(delivery.id).queryKey });
  }, [client, fate, delivery]);
  return null;
}

function Content({ delivery }: { delivery: DeliveryDetail }) {
  const { t, f } = useI18n();
  const took = (ms: number | null) => (ms === null ? "–" : f.duration(ms));
  return (
    <InlineGrid columns={{ xs: 1, lg: ["oneThird", "twoThirds"] }} gap="400" alignItems="start">
      <Card>
        <BlockStack gap="300">
          <InlineStack>
            <StateBadge state={TONES[delivery.state]} label={t(`webhooks.state.${delivery.state}`)} />
          </InlineStack>
          <Text as="p" tone="subdued">
            {t(`webhooks.state_why.${delivery.state}`)}
          </Text>
          {delivery.error && (
            <Text as="p" tone="critical" breakWord>
              {delivery.error}
            </Text>
          )}
          <Facts
            facts={[
              [t("webhooks.column.object"), delivery.object_gid ?? "–"],
              [t("webhooks.fact.triggered"), <TimeAgo key="triggered" at={delivery.triggered_at} />],
              [t("webhooks.column.at"), <TimeAgo key="received" at={delivery.received_at} />],
              [
                t("webhooks.fact.done"),
                delivery.done_at ? <TimeAgo key="done" at={delivery.done_at} /> : "–",
              ],
              ...(delivery.replayed_at
                ? ([
                    [t("webhooks.fact.replayed"), <TimeAgo key="again" at={delivery.replayed_at} />],
                  ] as const)
                : []),
              [t("webhooks.column.arrival_one"), took(delivery.arrival_ms)],
              [t("webhooks.column.handling_one"), took(delivery.handling_ms)],
              [t("webhooks.fact.attempts"), f.number(delivery.attempts)],
              [t("webhooks.fact.size"), f.bytes(delivery.bytes)],
              [t("webhooks.fact.version"), delivery.api_version ?? "–"],
              [t("webhooks.fact.webhook_id"), <code key="webhook">{delivery.webhook_id}</code>],
              [
                t("webhooks.fact.event_id"),
                delivery.event_id ? <code key="event">{delivery.event_id}</code> : "–",
              ],
            ]}
          />
        </BlockStack>
      </Card>
      {delivery.payload ? (
        <JsonCard title={t("webhooks.payload")} value={delivery.payload} help={t("webhooks.payload_help")} />
      ) : (
        <Card>
          <Text as="p">{t("webhooks.no_payload")}</Text>
        </Card>
      )}
    </InlineGrid>
  );
}
