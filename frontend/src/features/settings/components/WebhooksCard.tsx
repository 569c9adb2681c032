import { BlockStack, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { Facts } from "@/components/Facts";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { Settings } from "@/lib/api/types";

export function WebhooksCard({ webhooks }: { webhooks: Settings["webhooks"] }) {
  const { t, f } = useI18n();
  const { last_received_at, waiting = 0, dead = 0 } = webhooks;
  return (
    <Card>
      <BlockStack gap="300">
        <Facts
          facts={[
            [t("settings.webhooks.last"), <TimeAgo key="last" at={last_received_at} />],
            [t("settings.webhooks.waiting"), f.number(waiting)],
            [t("settings.webhooks.dead"), f.number(dead)],
          ]}
        />
        <InlineStack gap="200" blockAlign="center">
          {dead > 0 && (
            <Text as="span" tone="critical">
              {t("settings.webhooks.dead_body", { count: dead })}
            </Text>
          )}
          <Button url={dead > 0 ? "/settings/webhooks?state=dead" : "/settings/webhooks"}>
            {t("settings.webhooks.look")}
          </Button>
        </InlineStack>
      </BlockStack>
    </Card>
  );
}
