import { BlockStack, Box, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";

/** What comes back, when a campaign stops by itself, and where recipients' wishes are kept. */
export function RecipientsSection() {
  const { t } = useI18n();
  return (
    <BlockStack gap="400">
      <Box paddingInline={{ xs: "400", sm: "0" }}>
        <Text as="h2" variant="headingMd">
          {t("returns.recipients")}
        </Text>
      </Box>
      <Card>
        <BlockStack gap="300">
          <Text as="p">{t("returns.recipients_body")}</Text>
          <Text as="p">{t("returns.stops_itself")}</Text>
          <InlineStack gap="200">
            <Button url="/settings/sending/blocked">{t("suppressions.open")}</Button>
            <Button url="/settings/sending/topics">{t("topics.open")}</Button>
          </InlineStack>
        </BlockStack>
      </Card>
    </BlockStack>
  );
}
