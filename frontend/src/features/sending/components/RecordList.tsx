import { Badge, BlockStack, Box, Button, InlineStack, Text, TextField } from "@shopify/polaris";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import type { DomainRecord } from "../api";

/** The TXT records to publish, each to copy. */
export function RecordList({ records }: { records: readonly DomainRecord[] }) {
  const { t } = useI18n();
  return (
    <BlockStack gap="400">
      <Text as="p" tone="subdued">
        {t("sending.record.how")}
      </Text>
      {records.map((record) => (
        <Box key={record.name} borderBlockStartWidth="025" borderColor="border" paddingBlockStart="300">
          <BlockStack gap="200">
            <InlineStack gap="200" blockAlign="center">
              <Text as="h4" variant="headingSm">
                {t(`sending.record.${record.purpose}`)}
              </Text>
              {record.optional && <Badge>{t("sending.record.optional")}</Badge>}
              {record.key_state && (
                <Badge tone={record.key_state === "active" ? "success" : "info"}>
                  {t(`sending.key_state.${record.key_state}`)}
                </Badge>
              )}
            </InlineStack>
            <Copied label={t("sending.record.name")} of={record} value={record.name} />
            <Copied label={t("sending.record.value")} of={record} value={record.value} />
          </BlockStack>
        </Box>
      ))}
    </BlockStack>
  );
}

function Copied({ label, of, value }: { label: string; of: DomainRecord; value: string }) {
  const { t } = useI18n();
  const [isCopied, setCopied] = useState(false);
  return (
    <TextField
      label={label}
      value={value}
      readOnly
      autoComplete="off"
      monospaced
      selectTextOnFocus
      connectedRight={
        <Button
          accessibilityLabel={t("sending.record.copy_of", { label, name: of.name })}
          onClick={() => {
            void navigator.clipboard?.writeText(value);
            setCopied(true);
          }}
        >
          {isCopied ? t("action.copied") : t("action.copy")}
        </Button>
      }
    />
  );
}
