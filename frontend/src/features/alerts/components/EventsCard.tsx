import { Badge, Box, InlineStack, Text } from "@shopify/polaris";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "@/components/DataTable";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { formatAmount } from "@/lib/amount";
import { type AlertEvent, channelsQuery, eventsQuery, rulesQuery } from "../api";

/** What fired and calmed down lately, and whether anybody was told. */
export function EventsCard() {
  const { t, f } = useI18n();
  const query = useInfiniteQuery(eventsQuery);
  const rules = useQuery(rulesQuery).data ?? [];
  const channels = useQuery(channelsQuery).data ?? [];
  const ruleOf = (event: AlertEvent) => rules.find((rule) => rule.id === event.rule_id);

  const columns: Column<AlertEvent>[] = [
    {
      key: "rule",
      header: t("alerts.column.rule"),
      cell: (event) => event.title,
    },
    {
      key: "kind",
      header: t("alerts.column.state"),
      cell: (event) => (
        <Badge tone={event.kind === "fired" ? "critical" : "success"}>
          {t(`alerts.event.${event.kind}`)}
        </Badge>
      ),
    },
    {
      key: "value",
      header: t("alerts.column.value"),
      numeric: true,
      cell: (event) => formatAmount(event.value, ruleOf(event)?.unit ?? "", t, f),
    },
    {
      key: "told",
      header: t("alerts.column.told"),
      long: true,
      cell: (event) =>
        event.deliveries.length === 0 ? (
          <Text as="span" tone="subdued">
            {t(event.silent ? `alerts.silent.${event.silent}` : "alerts.told_nobody")}
          </Text>
        ) : (
          <InlineStack gap="100">
            {event.deliveries.map((delivery) => (
              <Badge
                key={delivery.channel_id}
                {...(delivery.state === "failed" ? { tone: "critical" as const } : {})}
              >
                {[
                  channels.find((channel) => channel.id === delivery.channel_id)?.title ??
                    t("alerts.channel_gone"),
                  t.code("alerts.delivery", delivery.state),
                  delivery.error,
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </Badge>
            ))}
          </InlineStack>
        ),
    },
    { key: "at", header: t("alerts.column.at"), cell: (event) => <TimeAgo at={event.at} /> },
  ];

  return (
    <QueryView
      query={query}
      skeleton={
        <LoadingRegion>
          <CardSkeleton lines={3} />
        </LoadingRegion>
      }
    >
      {(data) => {
        const events = data.pages.flatMap((page) => page.items);
        return (
          <TableCard
            title={t("alerts.events")}
            loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
            loadingMore={query.isFetchingNextPage}
          >
            {events.length === 0 ? (
              <Box padding="400" paddingBlockStart="0">
                <Text as="p" tone="subdued">
                  {t("alerts.no_event")}
                </Text>
              </Box>
            ) : (
              <DataTable
                caption={t("alerts.events")}
                columns={columns}
                rows={events}
                rowKey={(event) => event.id}
              />
            )}
          </TableCard>
        );
      }}
    </QueryView>
  );
}
