import { BlockStack, Modal, Select, TextField } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import { useToast } from "@/lib/useToast";
import { type Draft, sourceOf } from "../draft";
import { savedTemplatesQuery, useChangeTemplate, useKeepTemplate } from "../templatesApi";
import { nameError, TemplateRefusal } from "./TemplateRefusal";

/** Keeps what the editor shows, saved or not, for other messages: anew or in place of one that is kept. */
export function SaveTemplateModal({ draft, close }: { draft: Draft; close: () => void }) {
  const { t } = useI18n();
  const showToast = useToast();
  const saved = useQuery(savedTemplatesQuery);
  const [target, setTarget] = useState("template");
  const [name, setName] = useState(draft.name);
  const keep = useKeepTemplate();
  const change = useChangeTemplate();
  const replaced = saved.data?.find(({ id }) => id === target);
  const error = replaced ? change.error : keep.error;

  function choose(value: string) {
    const found = saved.data?.find(({ id }) => id === value);
    setTarget(value);
    setName(found?.name ?? draft.name);
    keep.reset();
    change.reset();
  }

  function save() {
    const content = {
      name: name.trim(),
      subject: draft.subject,
      preview_text: draft.preview_text,
      ...sourceOf(draft),
    };
    const onSuccess = () => {
      showToast(t("template.saved"));
      close();
    };
    if (replaced) change.mutate({ id: replaced.id, version: replaced.version, ...content }, { onSuccess });
    else
      keep.mutate({ kind: target === "block" ? "block" : "template", html: "", ...content }, { onSuccess });
  }

  return (
    <Modal
      open
      onClose={close}
      title={t("template.save_title")}
      size="small"
      primaryAction={{
        content: t("template.keep"),
        loading: keep.isPending || change.isPending,
        disabled: name.trim() === "",
        onAction: save,
      }}
      secondaryActions={[{ content: t("action.cancel"), onAction: close }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          <TemplateRefusal error={error} />
          <Select
            label={t("template.what")}
            value={target}
            onChange={choose}
            options={[
              { value: "template", label: t("template.new") },
              { value: "block", label: t("template.new_block") },
              ...(saved.data ?? []).map((one) => ({
                value: one.id,
                label: t("template.replace", { name: one.name }),
              })),
            ]}
            helpText={target === "block" ? t("template.block_help") : undefined}
          />
          <TextField
            label={t("template.name")}
            value={name}
            onChange={setName}
            error={nameError(error)}
            maxLength={120}
            autoComplete="off"
          />
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
