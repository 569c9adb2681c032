import { Stat, StatRow } from "@/components/Stat";
import { useI18n } from "@/i18n/useI18n";
import type { Home } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";

/** What the store holds since its first order. */
export function Totals({ totals }: { totals: Home["totals"] }) {
  const { t, f } = useI18n();
  const subscribed = ratio(totals.subscribed, totals.customers);
  return (
    <section aria-label={t("home.totals.title")}>
      <StatRow count={5}>
        <Stat label={t("home.totals.customers")} value={f.number(totals.customers)} />
        <Stat
          label={t("home.totals.subscribed")}
          value={f.number(totals.subscribed)}
          detail={
            subscribed === null ? null : t("home.totals.of_customers", { share: f.percent(subscribed) })
          }
        />
        <Stat label={t("home.totals.products")} value={f.number(totals.products)} />
        <Stat label={t("home.totals.orders")} value={f.number(totals.orders)} />
        <Stat
          label={t("home.totals.revenue")}
          value={f.money(totals.revenue)}
          detail={t("home.totals.all_time")}
        />
      </StatRow>
    </section>
  );
}
