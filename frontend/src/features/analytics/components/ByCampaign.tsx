import { Text } from "@shopify/polaris";
import { BarList } from "@/components/charts/BarList";
import { ChartCard } from "@/components/charts/ChartCard";
import { useI18n } from "@/i18n/useI18n";
import type { Overview } from "@/lib/api/types";
import { toMajor } from "@/lib/format";

/** More bars than this cannot be compared at a glance; the table and the export have all. */
const SHOWN = 8;

export function ByCampaign({ overview }: { overview: Overview }) {
  const { t, f } = useI18n();
  const ranked = [...overview.by_campaign].sort((a, b) => b.revenue.amount_minor - a.revenue.amount_minor);
  const best = ranked[0];
  const title = best
    ? t("analytics.by_campaign.title", { name: best.name, amount: f.money(best.revenue) })
    : t("analytics.by_campaign.none");
  return (
    <ChartCard
      title={title}
      subtitle={t("analytics.by_campaign.subtitle", { currency: overview.currency })}
      fileName="storecast-revenue-by-campaign"
      table={{
        headers: [t("campaigns.column.name"), t("analytics.attributed"), t("analytics.orders")],
        rows: ranked.map((one) => [one.name, f.money(one.revenue), f.number(one.orders)]),
        csv: ranked.map((one) => [
          one.name,
          toMajor(one.revenue.amount_minor, one.revenue.currency),
          one.orders,
        ]),
      }}
    >
      {ranked.length === 0 ? (
        <Text as="p" tone="subdued">
          {t("analytics.by_campaign.wait")}
        </Text>
      ) : (
        <BarList
          label={title}
          bars={ranked.slice(0, SHOWN).map((one) => ({
            key: one.id,
            label: one.name,
            value: one.revenue.amount_minor,
            text: f.money(one.revenue),
            detail: t("customer.orders", { count: one.orders }),
          }))}
        />
      )}
    </ChartCard>
  );
}
