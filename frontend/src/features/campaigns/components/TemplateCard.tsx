import { Badge, BlockStack, Box, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { MessageFrame } from "@/components/MessageFrame";
import { useI18n } from "@/i18n/useI18n";
import type { TemplateRow } from "@/lib/api/types";

interface Props {
  template: TemplateRow;
  busy: boolean;
  disabled: boolean;
  choose: () => void;
}

export function TemplateCard({ template, busy, disabled, choose }: Props) {
  const { t } = useI18n();
  const name = t.code("template_name", template.key, {}, template.name);
  return (
    <Card padding="0">
      <MessageFrame
        html={template.picture}
        title={t("gallery.picture_of", { name })}
        width={640}
        maxHeight={340}
      />
      <Box padding="400" borderBlockStartWidth="025" borderColor="border-secondary">
        <BlockStack gap="300">
          <InlineStack align="space-between" blockAlign="center" gap="200">
            <Text as="h3" variant="headingMd">
              {name}
            </Text>
            <Badge>{t.code("template_category", template.category)}</Badge>
          </InlineStack>
          <Text as="p" tone="subdued">
            {t.code("template_description", template.key, {}, template.description)}
          </Text>
          <InlineStack>
            <Button
              onClick={choose}
              loading={busy}
              disabled={disabled}
              accessibilityLabel={t("gallery.use_named", { name })}
            >
              {t("gallery.use")}
            </Button>
          </InlineStack>
        </BlockStack>
      </Box>
    </Card>
  );
}
