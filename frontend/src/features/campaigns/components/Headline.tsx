import { Stat, StatRow } from "@/components/Stat";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";

/** What the campaign earned and reached, each figure with what it is a share of. */
export function Headline({ report }: { report: Report }) {
  const { t, f } = useI18n();
  const accepted = report.counts.accepted;
  const people = (step: Report["funnel"][number]["step"]) =>
    report.funnel.find((one) => one.step === step)?.people ?? 0;
  const share = (part: number) => {
    const value = ratio(part, accepted);
    return value === null ? "–" : f.percent(value, 1);
  };
  const perRecipient = ratio(report.revenue.amount_minor, accepted);
  return (
    <section aria-label={t("report.headline")}>
      <StatRow count={4}>
        <Stat
          label={t("report.revenue")}
          value={f.money(report.revenue)}
          detail={
            perRecipient === null
              ? t("report.orders", { count: report.orders })
              : `${t("report.orders", { count: report.orders })} · ${t("report.per_recipient", { amount: f.minor(perRecipient) })}`
          }
        />
        <Stat
          label={t("report.sent")}
          value={f.number(accepted)}
          detail={t("report.of_audience", { count: report.counts.audience })}
        />
        <Stat
          label={t("report.open_rate")}
          value={share(people("opened"))}
          detail={t("report.opens_detail", { human: report.opens.human, machine: report.opens.machine })}
        />
        <Stat
          label={t("report.click_rate")}
          value={share(people("clicked"))}
          detail={t("report.clicks_detail", { human: report.clicks.human, machine: report.clicks.machine })}
        />
      </StatRow>
    </section>
  );
}
