import { BlockStack, Card, FormLayout, Text, TextField } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Draft, DraftField } from "../draft";

interface Props {
  draft: Draft;
  set: (field: DraftField, value: string) => void;
}

export function SenderCard({ draft, set }: Props) {
  const { t } = useI18n();
  return (
    <Card>
      <BlockStack gap="400">
        <Text as="h2" variant="headingMd">
          {t("editor.sender")}
        </Text>
        <FormLayout>
          <FormLayout.Group>
            <TextField
              label={t("editor.field.from_name")}
              value={draft.from_name}
              onChange={(value) => set("from_name", value)}
              autoComplete="off"
            />
            <TextField
              label={t("editor.field.from_email")}
              type="email"
              value={draft.from_email}
              onChange={(value) => set("from_email", value)}
              autoComplete="off"
            />
          </FormLayout.Group>
          <TextField
            label={t("editor.field.reply_to")}
            type="email"
            value={draft.reply_to}
            onChange={(value) => set("reply_to", value)}
            helpText={t("editor.reply_to_help")}
            autoComplete="off"
          />
        </FormLayout>
      </BlockStack>
    </Card>
  );
}
