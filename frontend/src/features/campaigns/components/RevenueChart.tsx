import { Box, Text } from "@shopify/polaris";
import { ChartCard } from "@/components/charts/ChartCard";
import { TimeSeries } from "@/components/charts/TimeSeries";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";
import { toMajor } from "@/lib/format";

const HOUR_MS = 3_600_000;

/** A sending that is younger is told by the clock: its days would all read the same. */
const CLOCK_BELOW_MS = 36 * HOUR_MS;

/** The API names an hour by its beginning; its revenue is complete at its end, or as complete as it is now. */
function endOfHour(at: string): string {
  return new Date(Math.min(Date.parse(at) + HOUR_MS, Date.now())).toISOString();
}

/** Revenue summed up since the sending: the slope tells when it came in. */
export function RevenueChart({ report }: { report: Report }) {
  const { t, f } = useI18n();
  const { currency, amount_minor } = report.revenue;
  let sum = 0;
  const sums = report.revenue_over_time.map((point) => {
    sum += point.amount_minor;
    return { at: endOfHour(point.at), sum };
  });
  const points = report.started_at ? [{ at: report.started_at, sum: 0 }, ...sums] : sums;
  const [first, last] = [points[0], points[points.length - 1]];
  const young = first && last && Date.parse(last.at) - Date.parse(first.at) < CLOCK_BELOW_MS;
  const title =
    amount_minor > 0
      ? t("report.revenue_chart.earned", { amount: f.money(report.revenue), count: report.orders })
      : t("report.revenue_chart.nothing");
  return (
    <ChartCard
      title={title}
      subtitle={t("report.revenue_chart.subtitle", { currency, zone: f.timeZone })}
      fileName="storecast-campaign-revenue"
      table={{
        headers: [t("chart.time"), t("chart.revenue_sum")],
        rows: points.map((point) => [f.dateTime(point.at), f.minor(point.sum)]),
        csv: points.map((point) => [point.at, toMajor(point.sum, currency)]),
      }}
    >
      {amount_minor === 0 || sums.length === 0 ? (
        <Box paddingBlock="800">
          <Text as="p" tone="subdued" alignment="center">
            {t("report.revenue_chart.wait")}
          </Text>
        </Box>
      ) : (
        <TimeSeries
          label={title}
          points={points}
          x="at"
          series={[{ key: "sum", label: t("report.revenue") }]}
          formatX={young ? f.time : f.date}
          formatExactX={f.dateTime}
          formatValue={f.minor}
          formatTick={f.compactMoney}
          height={220}
        />
      )}
    </ChartCard>
  );
}
