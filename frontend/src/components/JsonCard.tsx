import { BlockStack, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import styles from "./JsonCard.module.css";

/** What a program reads or wrote, to read and to copy. */
export function JsonCard({ title, value, help }: { title: string; value: unknown; help?: string }) {
  const { t } = useI18n();
  const [copied, setCopied] = useState(false);
  const text = JSON.stringify(value, null, 2);

  async function copy() {
    await navigator.clipboard?.writeText(text);
    setCopied(true);
  }

  return (
    <Card>
      <BlockStack gap="200">
        <InlineStack align="space-between" blockAlign="center">
          <Text as="h2" variant="headingMd">
            {title}
          </Text>
          <Button variant="plain" onClick={() => void copy()}>
            {copied ? t("action.copied") : t("action.copy")}
          </Button>
        </InlineStack>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre className={styles.json} tabIndex={0}>
          {text}
        </pre>
        {help && (
          <Text as="p" variant="bodySm" tone="subdued">
            {help}
          </Text>
        )}
      </BlockStack>
    </Card>
  );
}
