import { BlockStack, Checkbox, FormLayout, Modal, Select, TextField } from "@shopify/polaris";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { type SendingChannel, useSaveChannel } from "../api";
import { CONFIG_FIELDS, draftOf, inputOf, KINDS, SECURITIES } from "../draft";

const POINTERS = ["/kind", "/title", "/config", "/secret", "/returns_secret", "/connections", "/per_second"];

/** Adds or changes a channel. Its secret goes in and is never shown; left empty, the stored one stays. */
export function ChannelModal({ channel, onClose }: { channel: SendingChannel | null; onClose: () => void }) {
  const { t } = useI18n();
  const save = useSaveChannel(channel?.id ?? null);
  const [draft, setDraft] = useState(() => draftOf(channel));
  const set = (changes: Partial<typeof draft>) => setDraft({ ...draft, ...changes });
  const keepsSecret = channel?.has_secret && channel.kind === draft.kind;
  return (
    <Modal
      open
      onClose={onClose}
      title={channel ? t("sending.channel.change_title", { title: channel.title }) : t("sending.channel.add")}
      primaryAction={{
        content: t("action.save"),
        loading: save.isPending,
        onAction: () => save.mutate(inputOf(draft), { onSuccess: onClose }),
      }}
      secondaryActions={[{ content: t("action.close"), onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          {hasOtherProblem(save.error, POINTERS) && (
            <ErrorState error={save.error} title={t("sending.channel.not_saved")} />
          )}
          <FormLayout>
            <Select
              label={t("sending.channel.kind")}
              options={KINDS.map((value) => ({ value, label: t(`sending.kind.${value}`) }))}
              value={draft.kind}
              onChange={(value) => set({ kind: value as typeof draft.kind })}
            />
            <TextField
              label={t("sending.channel.title")}
              value={draft.title}
              maxLength={120}
              autoComplete="off"
              error={fieldError(save.error, "/title")}
              onChange={(title) => set({ title })}
            />
            {draft.kind === "smtp" && (
              <Select
                label={t("sending.channel.security")}
                options={SECURITIES.map((value) => ({ value, label: t(`sending.security.${value}`) }))}
                value={draft.security}
                error={fieldError(save.error, "/config/security")}
                onChange={(value) => set({ security: value as typeof draft.security })}
              />
            )}
            {CONFIG_FIELDS[draft.kind].map((name) => (
              <TextField
                key={name}
                label={t.code(`sending.field.${draft.kind}`, name)}
                value={draft[name]}
                type={name === "port" ? "number" : "text"}
                autoComplete="off"
                error={fieldError(save.error, `/config/${name}`)}
                onChange={(value) => set({ [name]: value })}
              />
            ))}
            <TextField
              label={t(`sending.secret.${draft.kind}`)}
              helpText={keepsSecret ? t("sending.secret.stays") : t("sending.secret.never_shown")}
              type="password"
              value={draft.secret}
              autoComplete="new-password"
              error={fieldError(save.error, "/secret")}
              onChange={(secret) => set({ secret })}
            />
            {draft.kind !== "smtp" && (
              <TextField
                label={t(`returns.secret.${draft.kind}`)}
                helpText={
                  channel?.has_returns_secret && channel.kind === draft.kind
                    ? t("sending.secret.stays")
                    : t("returns.secret_help")
                }
                value={draft.returnsSecret}
                autoComplete="off"
                error={fieldError(save.error, "/returns_secret")}
                onChange={(returnsSecret) => set({ returnsSecret })}
              />
            )}
            <FormLayout.Group condensed>
              <TextField
                label={t("sending.channel.connections")}
                type="number"
                min={1}
                max={64}
                value={draft.connections}
                autoComplete="off"
                error={fieldError(save.error, "/connections")}
                onChange={(connections) => set({ connections })}
              />
              <TextField
                label={t("sending.channel.per_second")}
                placeholder={t("sending.channel.unlimited")}
                type="number"
                min={1}
                value={draft.perSecond}
                autoComplete="off"
                error={fieldError(save.error, "/per_second")}
                onChange={(perSecond) => set({ perSecond })}
              />
            </FormLayout.Group>
            <Checkbox
              label={t("sending.channel.enabled")}
              checked={draft.enabled}
              onChange={(enabled) => set({ enabled })}
            />
          </FormLayout>
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
