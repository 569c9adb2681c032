import { BlockStack, Card, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Home } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";
import styles from "./Earned.module.css";

/** The one figure the reader came for: what campaigns earned, against the period before, in words. */
export function Earned({ earned, syncing }: { earned: Home["earned"]; syncing: boolean }) {
  const { t, f } = useI18n();
  const now = earned.attributed.amount_minor;
  const before = earned.previous.amount_minor;
  const share = ratio(now, earned.store_total.amount_minor);
  const change = ratio(now - before, before);
  const none = now === 0 && before === 0;

  function comparison(): string {
    if (none) return t("home.earned.none");
    if (change === null) return t("home.earned.first");
    if (now === before) return t("home.earned.same", { count: earned.days });
    return t(now > before ? "home.earned.more" : "home.earned.less", {
      amount: f.minor(Math.abs(now - before)),
      count: earned.days,
      change: f.signedPercent(change),
    });
  }

  return (
    <Card padding={{ xs: "400", md: "600" }}>
      <BlockStack gap="200">
        <Text as="h2" variant="bodyMd" tone="subdued">
          {t("home.earned.label", { count: earned.days })}
        </Text>
        <p className={styles.figure}>{f.money(earned.attributed)}</p>
        <p
          className={styles.comparison}
          data-trend={none || change === null ? "none" : now >= before ? "up" : "down"}
        >
          {comparison()}
        </p>
        <Text as="p" tone="subdued">
          {share === null
            ? t(syncing ? "home.earned.syncing" : "home.earned.no_sales", { count: earned.days })
            : t("home.earned.share", { share: f.percent(share, 1), total: f.money(earned.store_total) })}{" "}
          {t("home.earned.messages", { count: earned.messages_sent })}
        </Text>
      </BlockStack>
    </Card>
  );
}
