import { Banner, BlockStack, Card, InlineStack, Text } from "@shopify/polaris";
import { Facts } from "@/components/Facts";
import { StateBadge } from "@/components/StateBadge";
import { useI18n } from "@/i18n/useI18n";
import type { Settings } from "@/lib/api/types";

/** The store as Shopify describes it, and whether Shopify lets the app work for it. */
export function StoreCard({ store, token }: Pick<Settings, "store" | "token">) {
  const { t, f } = useI18n();
  const plan = store.plan ?? "–";
  const state =
    store.state === "installed" && token.state !== "valid" ? ("reauthorize" as const) : store.state;
  return (
    <Card>
      <BlockStack gap="400">
        {(store.state === "frozen" || store.state === "closed") && (
          <Banner tone="warning" title={t(`settings.store.${store.state}`)}>
            <Text as="p">
              {t("settings.store.waits", {
                since: store.unavailable_since ? f.date(store.unavailable_since) : "–",
              })}
            </Text>
          </Banner>
        )}
        <InlineStack gap="200" blockAlign="center">
          <StateBadge state={state} />
          <Text as="span">{t(`settings.store.is_${state}`)}</Text>
        </InlineStack>
        <Facts
          facts={[
            [t("settings.store.name"), store.name],
            [t("settings.store.domain"), store.domain],
            [t("settings.store.email"), store.email ?? "–"],
            [t("settings.store.currency"), store.currency],
            [t("settings.store.timezone"), store.timezone],
            [
              t("settings.store.plan"),
              store.development_store ? t("settings.store.development", { plan }) : plan,
            ],
          ]}
        />
      </BlockStack>
    </Card>
  );
}
