import { Banner, BlockStack, Button, ButtonGroup, Card, InlineStack, List, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { ErrorState } from "@/components/ErrorState";
import { Facts } from "@/components/Facts";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { PixelSettings } from "@/lib/api/types";
import { useMay } from "@/lib/useSession";
import { useToast } from "@/lib/useToast";
import { type PixelAction, scopesQuery, useChangePixel } from "../api";

const SAID = {
  activate: "settings.pixel.activated",
  check: "settings.pixel.checked_now",
  deactivate: "settings.pixel.deactivated",
} as const;

export function PixelCard({ pixel }: { pixel: PixelSettings }) {
  const { t } = useI18n();
  const showToast = useToast();
  const may = useMay("manage");
  const change = useChangePixel();
  const on = pixel.state === "active";
  const act = (action: PixelAction) =>
    change.mutate(action, {
      onSuccess: (now) => {
        if (now.state !== "error") showToast(t(SAID[action]));
      },
    });
  const pending = (action: PixelAction) => change.isPending && change.variables === action;
  return (
    <Card>
      <BlockStack gap="400">
        {change.error && <ErrorState error={change.error} title={t("settings.pixel.failed")} />}
        <InlineStack gap="200" blockAlign="center">
          <StateBadge state={pixel.state} />
          <Text as="span">{t(`settings.pixel.${pixel.state}`)}</Text>
        </InlineStack>
        {pixel.state === "error" && <Fix pixel={pixel} />}
        <Facts
          facts={[
            [t("settings.pixel.last_event"), <TimeAgo key="last" at={pixel.last_event_at} />],
            [t("settings.pixel.version"), pixel.version ?? "–"],
            [t("settings.pixel.checked"), <TimeAgo key="checked" at={pixel.checked_at} />],
            [t("settings.pixel.key"), <code key="key">{pixel.key}</code>],
          ]}
        />
        <ButtonGroup>
          {on ? (
            <Button loading={pending("check")} disabled={!may} onClick={() => act("check")}>
              {t("settings.pixel.check")}
            </Button>
          ) : (
            <Button
              variant="primary"
              loading={pending("activate")}
              disabled={!may}
              onClick={() => act("activate")}
            >
              {t(pixel.state === "error" ? "settings.pixel.again" : "settings.pixel.activate")}
            </Button>
          )}
          {on && (
            <Button
              variant="plain"
              tone="critical"
              loading={pending("deactivate")}
              disabled={!may}
              onClick={() => act("deactivate")}
            >
              {t("settings.pixel.deactivate")}
            </Button>
          )}
        </ButtonGroup>
      </BlockStack>
    </Card>
  );
}

/** Why Shopify does not take the pixel, and what mends it. */
function Fix({ pixel }: { pixel: PixelSettings }) {
  const { t } = useI18n();
  const scopes = useQuery(scopesQuery);
  const reason = pixel.reason ?? "refused";
  return (
    <Banner tone="warning" title={t(`settings.pixel.${reason}`)}>
      <BlockStack gap="200" inlineAlign="start">
        {reason === "scopes_missing" && (
          <Text as="p">
            {t("settings.pixel.scopes_fix", { scopes: (pixel.missing ?? []).join(", ") || "–" })}
          </Text>
        )}
        {reason === "not_deployed" && (
          <List type="number">
            <List.Item>{t("settings.pixel.deploy_1")}</List.Item>
            <List.Item>{t("settings.pixel.deploy_2")}</List.Item>
            <List.Item>{t("settings.pixel.deploy_3")}</List.Item>
          </List>
        )}
        {reason === "refused" && (
          <Text as="p">{t("settings.pixel.refused_fix", { error: pixel.error ?? "–" })}</Text>
        )}
        {reason === "scopes_missing" && scopes.data && (
          <Button url={scopes.data.admin_url} target="_top">
            {t("settings.access.open_admin")}
          </Button>
        )}
      </BlockStack>
    </Banner>
  );
}
