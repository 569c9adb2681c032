import { BarList } from "@/components/charts/BarList";
import { ChartCard } from "@/components/charts/ChartCard";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";

export function Funnel({ report }: { report: Report }) {
  const { t, f } = useI18n();
  const sent = report.funnel.find((one) => one.step === "sent")?.people ?? 0;
  const clicked = report.funnel.find((one) => one.step === "clicked")?.people ?? 0;
  const ordered = report.funnel.find((one) => one.step === "ordered")?.people ?? 0;
  const share = (people: number) => {
    const value = ratio(people, sent);
    return value === null ? "" : f.percent(value, 1);
  };
  const title =
    sent === 0
      ? t("report.funnel.nothing")
      : ordered > 0
        ? t("report.funnel.ordered", { count: ordered, share: share(ordered) })
        : t("report.funnel.clicked", { count: clicked });
  return (
    <ChartCard
      title={title}
      subtitle={t("report.funnel.subtitle")}
      fileName="storecast-campaign-funnel"
      table={{
        headers: [t("chart.step"), t("chart.people"), t("chart.share_of_sent")],
        rows: report.funnel.map((one) => [
          t(`report.step.${one.step}`),
          f.number(one.people),
          share(one.people),
        ]),
        csv: report.funnel.map((one) => [one.step, one.people, ratio(one.people, sent) ?? ""]),
      }}
    >
      <BarList
        label={title}
        bars={report.funnel.map((one) => ({
          key: one.step,
          label: t(`report.step.${one.step}`),
          value: one.people,
          text: f.number(one.people),
          detail: one.step === "sent" ? undefined : share(one.people),
        }))}
      />
    </ChartCard>
  );
}
