import { Banner, Box } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import { isEmbedded } from "@/lib/appBridge";
import { signIn } from "@/lib/signIn";

/** Shopify no longer takes our access to the store: a sign-in, or loading the app in the admin, gets a new one. */
export function AccessLostBanner({ domain }: { domain: string }) {
  const { t } = useI18n();
  return (
    <Box padding="400">
      <Banner
        tone="critical"
        title={t("access.lost_title")}
        action={{
          content: t("access.lost_action"),
          onAction: () => (isEmbedded() ? window.location.reload() : signIn(domain)),
        }}
      >
        <p>{t("access.lost_body")}</p>
      </Banner>
    </Box>
  );
}
