import { ChartCard } from "@/components/charts/ChartCard";
import { TimeSeries } from "@/components/charts/TimeSeries";
import { useI18n } from "@/i18n/useI18n";
import type { Overview } from "@/lib/api/types";
import { toMajor } from "@/lib/format";

export function RevenueChart({ overview, days }: { overview: Overview; days: number }) {
  const { t, f } = useI18n();
  const { revenue, currency, timezone } = overview;
  const best = revenue.reduce<(typeof revenue)[number] | null>(
    (top, day) => (top === null || day.total_minor > top.total_minor ? day : top),
    null,
  );
  const title =
    best && best.total_minor > 0
      ? t("analytics.chart.best", { day: f.longDay(best.date), amount: f.minor(best.total_minor) })
      : t("analytics.chart.none", { count: days });
  return (
    <ChartCard
      title={title}
      subtitle={t("analytics.chart.subtitle", { currency, zone: timezone })}
      fileName={`storecast-revenue-${days}-days`}
      table={{
        headers: [t("chart.day"), t("analytics.total"), t("analytics.attributed"), t("analytics.orders")],
        rows: revenue.map((day) => [
          f.longDay(day.date),
          f.minor(day.total_minor),
          f.minor(day.attributed_minor),
          f.number(day.orders),
        ]),
        csv: revenue.map((day) => [
          day.date,
          toMajor(day.total_minor, currency),
          toMajor(day.attributed_minor, currency),
          day.orders,
        ]),
      }}
    >
      <TimeSeries
        label={title}
        points={revenue}
        x="date"
        series={[
          { key: "attributed_minor", label: t("analytics.attributed") },
          { key: "total_minor", label: t("analytics.total") },
        ]}
        formatX={f.day}
        formatExactX={f.longDay}
        formatValue={f.minor}
        formatTick={f.compactMoney}
        height={280}
      />
    </ChartCard>
  );
}
