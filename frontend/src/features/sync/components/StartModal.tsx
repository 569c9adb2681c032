import { ChoiceList, Select } from "@shopify/polaris";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { useI18n } from "@/i18n/useI18n";
import { useToast } from "@/lib/useToast";
import { type ResourceName, type SyncMode, useStartSync } from "../api";

const RESOURCES: readonly ResourceName[] = [
  "customers",
  "products",
  "collections",
  "orders",
  "abandoned_checkouts",
  "segments",
];

/** What to read again, and how. */
export function StartModal({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const toast = useToast();
  const start = useStartSync();
  const [mode, setMode] = useState<SyncMode>("bulk");
  const [resources, setResources] = useState<ResourceName[]>([...RESOURCES]);
  const [isMissing, setMissing] = useState(false);

  function act() {
    if (resources.length === 0) {
      setMissing(true);
      return;
    }
    start.mutate(
      { mode, resources },
      {
        onSuccess: () => {
          toast(t("store.started"));
          onClose();
        },
      },
    );
  }

  return (
    <ActModal
      title={t("store.start_title")}
      consequence={t("store.start_body")}
      action={t("store.start")}
      error={start.error}
      isPending={start.isPending}
      onAct={act}
      onClose={onClose}
    >
      <ChoiceList
        allowMultiple
        title={t("store.what")}
        choices={RESOURCES.map((value) => ({ value, label: t.code("sync.resource", value) }))}
        selected={resources}
        error={isMissing ? t("store.what_missing") : undefined}
        onChange={(chosen) => {
          setResources(chosen as ResourceName[]);
          setMissing(false);
        }}
      />
      <Select
        label={t("sync.mode")}
        options={[
          { label: t("sync.mode.bulk"), value: "bulk" },
          { label: t("sync.mode.paginated"), value: "paginated" },
        ]}
        value={mode}
        onChange={(value) => setMode(value as SyncMode)}
      />
    </ActModal>
  );
}
