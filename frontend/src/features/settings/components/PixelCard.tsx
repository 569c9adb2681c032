import { BlockStack, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { ErrorState } from "@/components/ErrorState";
import { Facts } from "@/components/Facts";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { PixelSettings } from "@/lib/api/types";
import { useToast } from "@/lib/useToast";
import { useActivatePixel } from "../api";

export function PixelCard({ pixel }: { pixel: PixelSettings }) {
  const { t } = useI18n();
  const showToast = useToast();
  const activate = useActivatePixel();
  const active = pixel.state === "active";
  return (
    <Card>
      <BlockStack gap="400">
        {activate.error && <ErrorState error={activate.error} title={t("settings.pixel.failed")} />}
        <InlineStack gap="200" blockAlign="center">
          <StateBadge state={pixel.state} />
          <Text as="span">{t(`settings.pixel.${pixel.state}`)}</Text>
        </InlineStack>
        {pixel.error && (
          <Text as="p" tone="critical">
            {pixel.error}
          </Text>
        )}
        <Facts
          facts={[
            [t("settings.pixel.last_event"), <TimeAgo key="last" at={pixel.last_event_at} />],
            [t("settings.pixel.key"), <code key="key">{pixel.key}</code>],
          ]}
        />
        {!active && (
          <InlineStack>
            <Button
              variant="primary"
              loading={activate.isPending}
              onClick={() =>
                activate.mutate(undefined, { onSuccess: () => showToast(t("settings.pixel.activated")) })
              }
            >
              {t("settings.pixel.activate")}
            </Button>
          </InlineStack>
        )}
      </BlockStack>
    </Card>
  );
}
