import { BlockStack, Modal, TextField } from "@shopify/polaris";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import type { SavedTemplateRow } from "@/lib/api/types";
import { useToast } from "@/lib/useToast";
import { useChangeTemplate } from "../templatesApi";
import { nameError, TemplateRefusal } from "./TemplateRefusal";

/** `template` is its newest version, so that a rename after a conflict is meant for what is there now. */
export function RenameModal({ template, close }: { template: SavedTemplateRow; close: () => void }) {
  const { t } = useI18n();
  const showToast = useToast();
  const [name, setName] = useState(template.name);
  const change = useChangeTemplate();

  function rename() {
    change.mutate(
      { id: template.id, version: template.version, name: name.trim() },
      {
        onSuccess: () => {
          showToast(t("gallery.renamed"));
          close();
        },
      },
    );
  }

  return (
    <Modal
      open
      onClose={close}
      title={t("gallery.rename_title", { name: template.name })}
      size="small"
      primaryAction={{
        content: t("gallery.rename"),
        loading: change.isPending,
        disabled: name.trim() === "" || name.trim() === template.name,
        onAction: rename,
      }}
      secondaryActions={[{ content: t("action.cancel"), onAction: close }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          <TemplateRefusal error={change.error} />
          <TextField
            label={t("template.name")}
            value={name}
            onChange={setName}
            error={nameError(change.error)}
            maxLength={120}
            autoComplete="off"
          />
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
