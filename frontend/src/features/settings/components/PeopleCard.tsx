import { BlockStack, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";

/** The way to the page of members and API keys. */
export function PeopleCard() {
  const { t } = useI18n();
  return (
    <Card>
      <BlockStack gap="400">
        <Text as="p">{t("access.settings_body")}</Text>
        <InlineStack>
          <Button url="/settings/access">{t("access.settings_link")}</Button>
        </InlineStack>
      </BlockStack>
    </Card>
  );
}
