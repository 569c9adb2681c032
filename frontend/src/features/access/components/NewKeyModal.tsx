import { BlockStack, ChoiceList, FormLayout, Modal, Select, TextField } from "@shopify/polaris";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { useSession } from "@/lib/useSession";
import { type Permission, useCreateKey } from "../api";
import { SecretModal } from "./SecretModal";

const SCOPES: readonly Permission[] = ["read", "edit", "send", "operate", "manage"];
const DAYS = ["90", "365", "never"] as const;
const DAY_MS = 86_400_000;

/** Makes a key with no more scopes than the reader has themselves. */
export function NewKeyModal({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const { permissions } = useSession();
  const create = useCreateKey();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Permission[]>(["read"]);
  const [days, setDays] = useState<(typeof DAYS)[number]>("90");
  const [isChecked, setChecked] = useState(false);

  function submit() {
    setChecked(true);
    if (name.trim() === "" || scopes.length === 0) return;
    const ends = days === "never" ? null : new Date(Date.now() + Number(days) * DAY_MS).toISOString();
    create.mutate({ name: name.trim(), scopes, expires_at: ends });
  }

  if (create.data) return <SecretModal made={create.data} onClose={onClose} />;
  return (
    <Modal
      open
      onClose={onClose}
      title={t("access.key.add")}
      size="small"
      primaryAction={{ content: t("access.key.make"), loading: create.isPending, onAction: submit }}
      secondaryActions={[{ content: t("action.close"), onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          {hasOtherProblem(create.error, ["/name", "/scopes", "/expires_at"]) && (
            <ErrorState error={create.error} title={t("access.key.not_made")} />
          )}
          <FormLayout>
            <TextField
              label={t("access.key.name")}
              helpText={t("access.key.name_help")}
              value={name}
              maxLength={80}
              autoComplete="off"
              error={
                isChecked && name.trim() === ""
                  ? t("access.key.name_missing")
                  : fieldError(create.error, "/name")
              }
              onChange={setName}
            />
            <ChoiceList
              allowMultiple
              title={t("access.key.scopes")}
              choices={SCOPES.filter((scope) => permissions.includes(scope)).map((scope) => ({
                value: scope,
                label: t(`access.scope.${scope}`),
                helpText: t(`access.scope_means.${scope}`),
              }))}
              selected={scopes}
              error={isChecked && scopes.length === 0 ? t("access.key.scopes_missing") : undefined}
              onChange={(chosen) => setScopes(chosen as Permission[])}
            />
            <Select
              label={t("access.key.expires")}
              options={DAYS.map((value) => ({ value, label: t(`access.key.days.${value}`) }))}
              value={days}
              error={fieldError(create.error, "/expires_at")}
              onChange={(value) => setDays(value as (typeof DAYS)[number])}
            />
          </FormLayout>
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
