import {
  BlockStack,
  Button,
  FormLayout,
  InlineStack,
  Modal,
  Select,
  Text,
  TextField,
} from "@shopify/polaris";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { type AlertChannel, useCreateChannel } from "../api";

const KINDS = ["email", "slack", "webhook"] as const;

/** Adds a channel; the secret of a signed one is shown when it is made and never again. */
export function ChannelModal({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const create = useCreateChannel();
  const [kind, setKind] = useState<AlertChannel["kind"]>("email");
  const [title, setTitle] = useState("");
  const [target, setTarget] = useState("");

  function submit() {
    create.mutate(
      { kind, title: title.trim(), target: target.trim() },
      { onSuccess: (channel) => !channel.secret && onClose() },
    );
  }

  if (create.data?.secret) return <SecretModal secret={create.data.secret} onClose={onClose} />;
  return (
    <Modal
      open
      onClose={onClose}
      title={t("alerts.add_channel")}
      size="small"
      primaryAction={{ content: t("action.save"), loading: create.isPending, onAction: submit }}
      secondaryActions={[{ content: t("action.close"), onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          {hasOtherProblem(create.error, ["/kind", "/title", "/target"]) && (
            <ErrorState error={create.error} title={t("alerts.channel_not_saved")} />
          )}
          <FormLayout>
            <Select
              label={t("alerts.channel.kind")}
              options={KINDS.map((value) => ({ value, label: t(`alerts.kind.${value}`) }))}
              value={kind}
              error={fieldError(create.error, "/kind")}
              onChange={(value) => setKind(value as AlertChannel["kind"])}
            />
            <TextField
              label={t("alerts.channel.title")}
              value={title}
              maxLength={120}
              autoComplete="off"
              error={fieldError(create.error, "/title")}
              onChange={setTitle}
            />
            <TextField
              label={t(`alerts.target.${kind}`)}
              helpText={t(`alerts.target_help.${kind}`)}
              type={kind === "email" ? "email" : "url"}
              value={target}
              autoComplete="off"
              error={fieldError(create.error, "/target")}
              onChange={setTarget}
            />
          </FormLayout>
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}

function SecretModal({ secret, onClose }: { secret: string; onClose: () => void }) {
  const { t } = useI18n();
  const [isCopied, setCopied] = useState(false);
  return (
    <Modal
      open
      onClose={onClose}
      title={t("alerts.secret.title")}
      size="small"
      primaryAction={{ content: t("alerts.secret.done"), onAction: onClose }}
    >
      <Modal.Section>
        <BlockStack gap="300">
          <Text as="p">{t("alerts.secret.body")}</Text>
          <InlineStack gap="200" blockAlign="center">
            <code>{secret}</code>
            <Button
              size="slim"
              onClick={() => {
                void navigator.clipboard?.writeText(secret);
                setCopied(true);
              }}
            >
              {isCopied ? t("action.copied") : t("action.copy")}
            </Button>
          </InlineStack>
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
