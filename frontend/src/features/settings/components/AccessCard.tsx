import { Banner, BlockStack, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { Facts } from "@/components/Facts";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { Settings } from "@/lib/api/types";
import { scopesQuery } from "../api";
import { FeatureScopes } from "./FeatureScopes";

/** What the store allows the app feature by feature, and how long the permission lasts. */
export function AccessCard({ token }: Pick<Settings, "token">) {
  const { t } = useI18n();
  const scopes = useQuery(scopesQuery);
  return (
    <Card>
      <BlockStack gap="400">
        {token.state !== "valid" && (
          <Banner tone="critical" title={t("settings.access.reauthorize_title")}>
            <BlockStack gap="200" inlineAlign="start">
              <Text as="p">{t("settings.access.reauthorize")}</Text>
              {scopes.data && (
                <Button url={scopes.data.admin_url} target="_top">
                  {t("settings.access.open_admin")}
                </Button>
              )}
            </BlockStack>
          </Banner>
        )}
        <FeatureScopes />
        <BlockStack gap="200">
          <Text as="h3" variant="headingSm">
            {t("settings.access.token")}
          </Text>
          <Facts
            facts={[
              [
                t("settings.access.state"),
                <InlineStack key="state">
                  <StateBadge state={token.state} />
                </InlineStack>,
              ],
              [t("settings.access.expires"), <TimeAgo key="expires" at={token.expires_at} />],
              [t("settings.access.refresh_expires"), <TimeAgo key="refresh" at={token.refresh_expires_at} />],
            ]}
          />
          <Text as="p" tone="subdued" variant="bodySm">
            {t("settings.access.renewed")}
          </Text>
        </BlockStack>
      </BlockStack>
    </Card>
  );
}
