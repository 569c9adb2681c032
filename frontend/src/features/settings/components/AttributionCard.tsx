import { BlockStack, Card, Text } from "@shopify/polaris";
import { Facts } from "@/components/Facts";
import { useI18n } from "@/i18n/useI18n";
import type { Settings } from "@/lib/api/types";

export function AttributionCard({ attribution }: { attribution: Settings["attribution"] }) {
  const { t } = useI18n();
  return (
    <Card>
      <BlockStack gap="300">
        <Facts
          facts={[
            [t("settings.attribution.click"), t("rules.days", { count: attribution.click_days })],
            [t("settings.attribution.open"), t("rules.days", { count: attribution.open_days })],
          ]}
        />
        <Text as="p" tone="subdued" variant="bodySm">
          {t("settings.attribution.rule")}
        </Text>
      </BlockStack>
    </Card>
  );
}
