import { Box, Text } from "@shopify/polaris";
import { ChartCard } from "@/components/charts/ChartCard";
import { TimeSeries } from "@/components/charts/TimeSeries";
import { useI18n } from "@/i18n/useI18n";
import type { Home } from "@/lib/api/types";

export function GrowthCard({ growth }: { growth: Home["growth"] }) {
  const { t, f } = useI18n();
  const first = growth[0];
  const last = growth[growth.length - 1];
  const gained = first && last ? last.customers - first.customers : 0;
  // The API tells totals; what a reader wants to see is how many came each day.
  const days = growth.slice(1).map((day, index) => ({
    date: day.date,
    gained: Math.max(0, day.customers - (growth[index]?.customers ?? 0)),
  }));
  const title =
    gained > 0 && first
      ? t("home.growth.gained", { count: gained, since: f.longDay(first.date) })
      : t("home.growth.still");
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
      {gained <= 0 ? (
        <Box paddingBlock="600">
          <Text as="p" tone="subdued" alignment="center">
            {t("home.growth.too_early")}
          </Text>
        </Box>
      ) : (
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
      )}
    </ChartCard>
  );
}
