import { BlockStack, Card, Text } from "@shopify/polaris";
import { ChartCard } from "@/components/charts/ChartCard";
import { TimeSeries } from "@/components/charts/TimeSeries";
import { useI18n } from "@/i18n/useI18n";
import type { Home } from "@/lib/api/types";

export function GrowthCard({ growth }: { growth: Home["growth"] }) {
  const { t, f } = useI18n();
  const first = growth[0];
  // The API tells totals; what a reader wants to see is how many came each day.
  const days = growth.slice(1).map((day, index) => ({
    date: day.date,
    gained: Math.max(0, day.customers - (growth[index]?.customers ?? 0)),
  }));
  const gained = days.reduce((sum, day) => sum + day.gained, 0);
  if (!first || gained === 0) return <NoGrowth since={days.length > 0 ? first?.date : undefined} />;
  const title = t("home.growth.gained", { count: gained, since: f.longDay(first.date) });
  return (
    <ChartCard
      title={title}
      subtitle={t("home.growth.subtitle")}
      fileName="storecast-customers"
      table={{
        headers: [t("chart.day"), t("home.growth.new")],
        rows: days.map((day) => [f.longDay(day.date), f.number(day.gained)]),
        csv: days.map((day) => [day.date, day.gained]),
      }}
    >
      <TimeSeries
        label={title}
        points={days}
        x="date"
        series={[{ key: "gained", label: t("home.growth.new") }]}
        kind="bar"
        formatX={f.day}
        formatExactX={f.longDay}
        formatValue={f.number}
        formatTick={f.compact}
        height={200}
      />
    </ChartCard>
  );
}

/** An axis without a single bar says less than a sentence. */
function NoGrowth({ since }: { since: string | undefined }) {
  const { t, f } = useI18n();
  return (
    <Card>
      <BlockStack gap="200">
        <Text as="h2" variant="headingMd">
          {t("home.growth.new")}
        </Text>
        <Text as="p" tone="subdued">
          {since ? t("home.growth.still", { since: f.longDay(since) }) : t("home.growth.too_early")}
        </Text>
      </BlockStack>
    </Card>
  );
}
