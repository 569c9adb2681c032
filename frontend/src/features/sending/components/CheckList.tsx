import { BlockStack, InlineStack, Text } from "@shopify/polaris";
import { StateBadge } from "@/components/StateBadge";
import { useI18n } from "@/i18n/useI18n";
import type { DomainCheck } from "../api";

const LOOKS = { ok: "ok", missing: "inactive", wrong: "failed", unknown: "unknown" } as const;

/** What DNS said, record by record. */
export function CheckList({ checks }: { checks: readonly DomainCheck[] }) {
  const { t } = useI18n();
  if (checks.length === 0) {
    return (
      <Text as="p" tone="subdued">
        {t("sending.check.none")}
      </Text>
    );
  }
  return (
    <BlockStack gap="200">
      {checks.map((check) => (
        <BlockStack key={check.code} gap="100">
          <InlineStack gap="200" blockAlign="center">
            <StateBadge state={LOOKS[check.state]} label={t(`sending.check_state.${check.state}`)} />
            <Text as="span">{t(`sending.check.${check.code}`)}</Text>
          </InlineStack>
          {check.state === "wrong" && check.problem && (
            <Text as="p" tone="critical">
              {t.code("sending.problem", check.problem)}
            </Text>
          )}
          {check.state === "wrong" &&
            check.found.map((text) => (
              <Text key={text} as="p" tone="subdued" breakWord>
                {t("sending.check.found")} <code>{text}</code>
              </Text>
            ))}
        </BlockStack>
      ))}
    </BlockStack>
  );
}
