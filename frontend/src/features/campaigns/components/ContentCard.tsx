import { BlockStack, Card, Text, TextField } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { TemplateCheck } from "@/lib/api/types";
import type { Draft, DraftField } from "../draft";

interface Props {
  draft: Draft;
  faults: TemplateCheck["errors"];
  set: (field: DraftField, value: string) => void;
}

/** Phones cut subjects off at about this many characters. */
const SUBJECT_SHOWN = 50;

export function ContentCard({ draft, faults, set }: Props) {
  const { t } = useI18n();
  const subjectFault = faults.find((fault) => fault.field === "subject");
  const length = draft.subject.length;
  return (
    <Card>
      <BlockStack gap="400">
        <Text as="h2" variant="headingMd">
          {t("editor.content")}
        </Text>
        <TextField
          label={t("editor.field.name")}
          value={draft.name}
          onChange={(value) => set("name", value)}
          helpText={t("editor.name_help")}
          maxLength={120}
          autoComplete="off"
        />
        <TextField
          label={t("editor.field.subject")}
          value={draft.subject}
          onChange={(value) => set("subject", value)}
          helpText={
            length > SUBJECT_SHOWN
              ? t("editor.subject_long", { count: length })
              : t("editor.subject_help", { count: length })
          }
          error={subjectFault?.message}
          autoComplete="off"
        />
        <TextField
          label={t("editor.field.preview_text")}
          value={draft.preview_text}
          onChange={(value) => set("preview_text", value)}
          helpText={t("editor.preview_text_help")}
          autoComplete="off"
        />
      </BlockStack>
    </Card>
  );
}
