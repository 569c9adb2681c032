import { Banner, BlockStack, Button, TextField } from "@shopify/polaris";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import type { SendingChannel } from "../api";

/** Where bounces and complaints of a channel are reported to, to be copied to the provider. */
export function ReturnsAddress({ channel, url }: { channel: SendingChannel; url: string }) {
  const { t } = useI18n();
  const [isCopied, setCopied] = useState(false);
  const bySmtp = channel.kind === "smtp";
  const proves = bySmtp || channel.kind === "postmark" || channel.has_returns_secret;
  return (
    <BlockStack gap="200">
      <TextField
        label={bySmtp ? t("returns.url_smtp") : t("returns.url")}
        helpText={bySmtp ? t("returns.url_help_smtp") : t("returns.url_help")}
        value={url}
        readOnly
        autoComplete="off"
        monospaced
        selectTextOnFocus
        connectedRight={
          <Button
            accessibilityLabel={t("returns.copy_of", { title: channel.title })}
            onClick={() => {
              void navigator.clipboard?.writeText(url);
              setCopied(true);
            }}
          >
            {isCopied ? t("action.copied") : t("action.copy")}
          </Button>
        }
      />
      {!proves && (
        <Banner tone="warning">
          <p>{t("returns.unverified")}</p>
        </Banner>
      )}
    </BlockStack>
  );
}
