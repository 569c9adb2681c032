import { Banner, BlockStack, Button, ButtonGroup, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { EditorState } from "../useEditor";

interface Props {
  editor: Pick<EditorState, "conflict" | "saving" | "keepMine">;
  takeTheirs: () => void;
}

/** Two people changed the same field; nothing is lost until one of them has chosen. */
export function ConflictBanner({ editor, takeTheirs }: Props) {
  const { t } = useI18n();
  if (!editor.conflict) return null;
  const fields = editor.conflict.fields.map((field) => t(`editor.field.${field}`)).join(", ");
  return (
    <Banner tone="warning" title={t("editor.conflict")}>
      <BlockStack gap="300">
        <Text as="p">{t("editor.conflict_fields", { fields })}</Text>
        <ButtonGroup>
          <Button onClick={editor.keepMine} loading={editor.saving}>
            {t("editor.keep_mine")}
          </Button>
          <Button onClick={takeTheirs}>{t("editor.take_theirs")}</Button>
        </ButtonGroup>
      </BlockStack>
    </Banner>
  );
}
