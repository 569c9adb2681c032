import { BlockStack, Card, Text } from "@shopify/polaris";
import { Stat, StatRow } from "@/components/Stat";
import { useI18n } from "@/i18n/useI18n";
import type { Overview } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";
import styles from "./Finding.module.css";

/** The answer in words first, then the figures that it rests on, and how they are made. */
export function Finding({ overview, days }: { overview: Overview; days: number }) {
  const { t, f } = useI18n();
  const { attributed, total, previous_attributed, previous_total, share, orders, aov, model } = overview;
  const attributedChange = ratio(
    attributed.amount_minor - previous_attributed.amount_minor,
    previous_attributed.amount_minor,
  );
  const totalChange = ratio(total.amount_minor - previous_total.amount_minor, previous_total.amount_minor);
  const against = (change: number | null) =>
    change === null
      ? t("analytics.no_before", { count: days })
      : t("analytics.against", { change: f.signedPercent(change), count: days });
  const sentence =
    attributed.amount_minor === 0
      ? t("analytics.finding.none", { total: f.money(total), count: days })
      : t("analytics.finding.some", {
          amount: f.money(attributed),
          total: f.money(total),
          share: f.percent(share, 1),
          count: days,
        });

  return (
    <BlockStack gap="300">
      <Card padding={{ xs: "400", md: "600" }}>
        <BlockStack gap="200">
          <h2 className={styles.sentence}>{sentence}</h2>
          <Text as="p" tone="subdued">
            {t("analytics.model", {
              click: t("rules.days", { count: model.click_days }),
              open: t("rules.days", { count: model.open_days }),
            })}
          </Text>
        </BlockStack>
      </Card>
      <StatRow count={4}>
        <Stat
          label={t("analytics.attributed")}
          value={f.money(attributed)}
          detail={against(attributedChange)}
        />
        <Stat label={t("analytics.total")} value={f.money(total)} detail={against(totalChange)} />
        <Stat label={t("analytics.share")} value={f.percent(share, 1)} detail={t("analytics.share_detail")} />
        <Stat
          label={t("analytics.orders")}
          value={f.number(orders)}
          detail={t("analytics.aov", { amount: f.money(aov) })}
        />
      </StatRow>
    </BlockStack>
  );
}
