import { Box, Icon, InlineStack, Link, Text } from "@shopify/polaris";
import { AlertTriangleIcon, CheckCircleIcon } from "@shopify/polaris-icons";
import { useI18n } from "@/i18n/useI18n";
import type { Settings } from "@/lib/api/types";

/** What is not set up yet, each as the way to its card. */
function open(settings: Settings) {
  const { sender, pixel, token, store, webhooks } = settings;
  return [
    ...(store.state !== "installed" || token.state !== "valid" ? (["store"] as const) : []),
    ...(sender.verified ? [] : (["sender"] as const)),
    ...(pixel.state === "active" ? [] : (["pixel"] as const)),
    ...((webhooks.dead ?? 0) > 0 ? (["webhooks"] as const) : []),
  ];
}

/** The answer to what somebody comes to the settings for: is everything set up? */
export function SetUp({ settings }: { settings: Settings }) {
  const { t } = useI18n();
  const missing = open(settings);
  return (
    <Box paddingInline={{ xs: "400", sm: "0" }} paddingBlockEnd="400">
      <InlineStack gap="200" blockAlign="center" wrap={false}>
        <span>
          <Icon
            source={missing.length === 0 ? CheckCircleIcon : AlertTriangleIcon}
            tone={missing.length === 0 ? "success" : "caution"}
          />
        </span>
        <Text as="h2" variant="headingLg">
          {missing.length === 0 ? t("settings.all_set") : t("settings.open", { count: missing.length })}
        </Text>
      </InlineStack>
      {missing.length > 0 && (
        <InlineStack gap="300">
          {missing.map((section) => (
            <Link key={section} url={`#${section}`}>
              {t(`settings.${section}.title`)}
            </Link>
          ))}
        </InlineStack>
      )}
    </Box>
  );
}
