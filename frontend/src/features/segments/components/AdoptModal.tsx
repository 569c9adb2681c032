import { TextField } from "@shopify/polaris";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { useI18n } from "@/i18n/useI18n";
import type { MicroSegment } from "@/lib/api/types";
import { fieldError } from "@/lib/fieldErrors";
import { inWords } from "@/lib/ruleWords";
import { useToast } from "@/lib/useToast";
import { useAdopt } from "../api";

interface Props {
  item: MicroSegment;
  label: string;
  onClose: () => void;
}

/** Asks what the segment shall be called; the group's own name is a good answer. */
export function AdoptModal({ item, label, onClose }: Props) {
  const { t } = useI18n();
  const showToast = useToast();
  const adopt = useAdopt(item.id);
  const [name, setName] = useState(label);
  const [isMissing, setMissing] = useState(false);

  function save() {
    if (name.trim() === "") {
      setMissing(true);
      return;
    }
    adopt.mutate(name.trim(), {
      onSuccess: () => {
        showToast(t("segments.saved"));
        onClose();
      },
    });
  }

  return (
    <ActModal
      title={t("suggested.save_one", { label })}
      consequence={t("suggested.save_consequence", { rules: inWords(t, item.rules) })}
      action={t("suggested.save")}
      error={adopt.error}
      pointers={["/name"]}
      isPending={adopt.isPending}
      onAct={save}
      onClose={onClose}
    >
      <TextField
        label={t("segments.name")}
        value={name}
        maxLength={100}
        autoComplete="off"
        error={isMissing ? t("segments.name_missing") : fieldError(adopt.error, "/name")}
        onChange={(value) => {
          setName(value);
          setMissing(false);
        }}
      />
    </ActModal>
  );
}
