import { BlockStack } from "@shopify/polaris";
import { Stat, StatRow } from "@/components/Stat";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";

/** What the campaign earned and reached, each figure with what it is a share of, what machines did beside. */
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
  const lost = (count: number) => ({
    value: f.number(count),
    detail: t("report.of_sent", { share: share(count) }),
  });
  return (
    <section aria-label={t("report.headline")}>
      <BlockStack gap="300">
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
            detail={
              <Verdicts
                detail={t("report.opens_detail", {
                  human: report.opens.human,
                  machine: report.opens.machine + report.opens.unknown,
                })}
                beside={
                  report.opens.machine_only > 0
                    ? t("report.opens_beside", { share: share(report.opens.machine_only) })
                    : null
                }
              />
            }
          />
          <Stat
            label={t("report.click_rate")}
            value={share(people("clicked"))}
            detail={
              <Verdicts
                detail={t("report.clicks_detail", {
                  human: report.clicks.human,
                  machine: report.clicks.machine + report.clicks.unknown,
                })}
                beside={
                  report.clicks.machine_only > 0
                    ? t("report.clicks_beside", { share: share(report.clicks.machine_only) })
                    : null
                }
              />
            }
          />
        </StatRow>
        <StatRow count={3}>
          <Stat label={t("report.unsubscribed")} {...lost(report.unsubscribed)} />
          <Stat label={t("report.bounced")} {...lost(report.bounced)} />
          <Stat label={t("report.complained")} {...lost(report.complained)} />
        </StatRow>
      </BlockStack>
    </section>
  );
}

function Verdicts({ detail, beside }: { detail: string; beside: string | null }) {
  return (
    <>
      <span>{detail}</span>
      {beside && (
        <>
          <br />
          <span>{beside}</span>
        </>
      )}
    </>
  );
}
