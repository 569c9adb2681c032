import { BlockStack, Card, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { TimeSeries } from "@/components/charts/TimeSeries";
import { ErrorState } from "@/components/ErrorState";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { sizesQuery } from "../api";

/** How the saved segment grew: its last count of each day. */
export function SizeChart({ segmentId }: { segmentId: string }) {
  const { t, f } = useI18n();
  const query = useQuery(sizesQuery(segmentId));
  if (query.isPending) {
    return (
      <LoadingRegion>
        <CardSkeleton lines={3} />
      </LoadingRegion>
    );
  }
  if (query.isError)
    return <ErrorState error={query.error} retry={() => void query.refetch()} retrying={query.isFetching} />;
  const { items } = query.data;
  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingSm" tone="subdued">
          {t("sizes.title")}
        </Text>
        {items.length < 2 ? (
          <Text as="p" tone="subdued">
            {t("sizes.soon")}
          </Text>
        ) : (
          <TimeSeries
            label={t("sizes.label", {
              from: f.number(items[0]?.member_count ?? 0),
              to: f.number(items[items.length - 1]?.member_count ?? 0),
            })}
            points={items.map((item) => ({ day: item.day, members: item.member_count }))}
            x="day"
            series={[{ key: "members", label: t("segments.column.members") }]}
            formatX={f.day}
            formatValue={f.number}
            formatTick={f.compact}
            height={140}
          />
        )}
      </BlockStack>
    </Card>
  );
}
