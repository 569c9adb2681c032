import { Banner, BlockStack, Card, InlineStack, Tag, Text } from "@shopify/polaris";
import { Facts } from "@/components/Facts";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { Settings } from "@/lib/api/types";

/** What the store allows the app, and how long the permission lasts. */
export function AccessCard({ scopes, token }: Pick<Settings, "scopes" | "token">) {
  const { t } = useI18n();
  return (
    <Card>
      <BlockStack gap="400">
        {scopes.missing.length > 0 && (
          <Banner tone="warning" title={t("settings.access.missing_title", { count: scopes.missing.length })}>
            <Text as="p">{t("settings.access.missing", { scopes: scopes.missing.join(", ") })}</Text>
          </Banner>
        )}
        <BlockStack gap="200">
          <Text as="h3" variant="headingSm">
            {t("settings.access.granted")}
          </Text>
          <InlineStack gap="100">
            {scopes.granted.map((scope) => (
              <Tag key={scope}>{scope}</Tag>
            ))}
          </InlineStack>
        </BlockStack>
        <Facts
          facts={[
            [t("settings.access.token"), <StateBadge key="state" state={token.state} />],
            [t("settings.access.expires"), <TimeAgo key="expires" at={token.expires_at} />],
            [t("settings.access.refresh_expires"), <TimeAgo key="refresh" at={token.refresh_expires_at} />],
          ]}
        />
        <Text as="p" tone="subdued" variant="bodySm">
          {t("settings.access.renewed")}
        </Text>
      </BlockStack>
    </Card>
  );
}
