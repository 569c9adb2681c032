import { Banner, BlockStack, Modal, Text, TextField } from "@shopify/polaris";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { useSession } from "@/lib/useSession";
import { useTestSend } from "../api";

export function TestModal({ campaignId, close }: { campaignId: string; close: () => void }) {
  const { t } = useI18n();
  const { user } = useSession();
  const [email, setEmail] = useState(user.email ?? "");
  const test = useTestSend(campaignId);
  return (
    <Modal
      open
      onClose={close}
      title={t("test.title")}
      size="small"
      primaryAction={{
        content: t("test.send"),
        loading: test.isPending,
        disabled: !email.includes("@"),
        onAction: () => test.mutate(email.trim()),
      }}
      secondaryActions={[{ content: t("action.close"), onAction: close }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          <TextField
            label={t("test.email")}
            type="email"
            value={email}
            onChange={setEmail}
            autoComplete="email"
            helpText={t("test.help")}
          />
          <div aria-live="polite">
            {test.data && (
              <Banner tone={test.data.accepted ? "success" : "critical"}>
                <Text as="p">
                  {test.data.accepted ? t("test.accepted") : t("test.refused")} <code>{test.data.reply}</code>
                </Text>
              </Banner>
            )}
          </div>
          {test.error && <ErrorState error={test.error} title={t("test.failed")} />}
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
