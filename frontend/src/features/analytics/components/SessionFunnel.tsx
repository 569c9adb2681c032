import { BarList } from "@/components/charts/BarList";
import { ChartCard } from "@/components/charts/ChartCard";
import { useI18n } from "@/i18n/useI18n";
import type { Overview } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";

/** Sessions by how far they came; the share is of the step before, where the loss happens. */
export function SessionFunnel({ overview }: { overview: Overview }) {
  const { t, f } = useI18n();
  const { funnel } = overview;
  const first = funnel[0]?.sessions ?? 0;
  const last = funnel[funnel.length - 1]?.sessions ?? 0;
  const conversion = ratio(last, first);
  const title =
    conversion === null
      ? t("analytics.funnel.none")
      : t("analytics.funnel.title", { share: f.percent(conversion, 1), count: first });
  const step = (index: number) => {
    const value = ratio(funnel[index]?.sessions ?? 0, funnel[index - 1]?.sessions ?? 0);
    return index === 0 || value === null ? "" : f.percent(value, 1);
  };
  return (
    <ChartCard
      title={title}
      subtitle={t("analytics.funnel.subtitle")}
      fileName="storecast-sessions-funnel"
      table={{
        headers: [t("chart.step"), t("chart.sessions"), t("chart.share_of_previous")],
        rows: funnel.map((one, index) => [
          t(`analytics.step.${one.step}`),
          f.number(one.sessions),
          step(index),
        ]),
        csv: funnel.map((one) => [one.step, one.sessions]),
      }}
    >
      <BarList
        label={title}
        bars={funnel.map((one, index) => ({
          key: one.step,
          label: t(`analytics.step.${one.step}`),
          value: one.sessions,
          text: f.number(one.sessions),
          detail: step(index) || undefined,
        }))}
      />
    </ChartCard>
  );
}
