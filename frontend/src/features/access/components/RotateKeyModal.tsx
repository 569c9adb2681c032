import { Select } from "@shopify/polaris";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { useI18n } from "@/i18n/useI18n";
import { type ApiKey, useRotateKey } from "../api";
import { SecretModal } from "./SecretModal";

const GRACES = ["0", "3600", "86400", "604800"] as const;

/** A new secret for a key; the old one works on for a while, so that programs can change over. */
export function RotateKeyModal({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const { t } = useI18n();
  const rotate = useRotateKey();
  const [grace, setGrace] = useState<(typeof GRACES)[number]>("86400");
  if (rotate.data) return <SecretModal made={rotate.data} onClose={onClose} />;
  return (
    <ActModal
      title={t("access.key.rotate_title", { name: apiKey.name })}
      consequence={t("access.key.rotate_body")}
      action={t("access.key.rotate")}
      error={rotate.error}
      isPending={rotate.isPending}
      onAct={() => rotate.mutate({ id: apiKey.id, grace_s: Number(grace) })}
      onClose={onClose}
    >
      <Select
        label={t("access.key.grace")}
        options={GRACES.map((value) => ({ value, label: t(`access.key.grace.${value}`) }))}
        value={grace}
        onChange={(value) => setGrace(value as (typeof GRACES)[number])}
      />
    </ActModal>
  );
}
