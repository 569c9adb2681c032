import { Banner, BlockStack, Button, Modal, Text, TextField } from "@shopify/polaris";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import type { ApiKeyWithSecret } from "../api";

/** The one time that a key's secret can be seen. */
export function SecretModal({ made, onClose }: { made: ApiKeyWithSecret; onClose: () => void }) {
  const { t } = useI18n();
  const [isCopied, setCopied] = useState(false);

  async function copy() {
    await navigator.clipboard.writeText(made.secret);
    setCopied(true);
  }

  return (
    <Modal
      open
      onClose={onClose}
      title={t("access.secret.title", { name: made.name })}
      size="small"
      primaryAction={{ content: t("access.secret.done"), onAction: onClose }}
    >
      <Modal.Section>
        <BlockStack gap="400">
          <Banner tone="warning">
            <p>{t("access.secret.once")}</p>
          </Banner>
          <TextField
            label={t("access.secret.label")}
            value={made.secret}
            readOnly
            autoComplete="off"
            monospaced
            selectTextOnFocus
            connectedRight={
              <Button onClick={() => void copy()}>{isCopied ? t("action.copied") : t("action.copy")}</Button>
            }
          />
          <Text as="p" tone="subdued">
            {t("access.secret.use", { id: made.id })}
          </Text>
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
