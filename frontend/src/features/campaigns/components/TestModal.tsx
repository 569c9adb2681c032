import { Banner, BlockStack, Modal, Select, Text, TextField } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign } from "@/lib/api/types";
import { useSession } from "@/lib/useSession";
import { useTestSend } from "../api";
import { variantsQuery } from "../variantsApi";
import { useVersionName } from "../versionNames";

interface Props {
  campaign: Campaign;
  close: () => void;
}

export function TestModal({ campaign, close }: Props) {
  const { t } = useI18n();
  const { user } = useSession();
  const [email, setEmail] = useState(user.email ?? "");
  const nameOf = useVersionName();
  const [version, setVersion] = useState(0);
  const stored = useQuery(variantsQuery(campaign.id, campaign.version)).data;
  const versions = [...(stored?.versions ?? []), ...(stored?.languages ?? [])];
  const test = useTestSend(campaign.id);
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
        onAction: () => test.mutate({ email: email.trim(), version }),
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
          {versions.length > 0 && (
            <Select
              label={t("versions.column.version")}
              options={[{ number: 0 }, ...versions].map((one) => ({
                value: String(one.number),
                label: nameOf(one, campaign.tested),
              }))}
              value={String(version)}
              onChange={(value) => setVersion(Number(value))}
            />
          )}
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
