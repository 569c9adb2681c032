import { Banner, Box, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Session } from "@/lib/api/types";

/** Why nothing moves while Shopify does not serve the store; on every page, since every page is about that. */
export function ShopBanner({ shop }: { shop: Session["shop"] }) {
  const { t } = useI18n();
  if (shop.state !== "frozen" && shop.state !== "closed") return null;
  return (
    <Box padding="400">
      <Banner tone="warning" title={t(`shop.${shop.state}`)}>
        <Text as="p">{t("shop.waits")}</Text>
      </Banner>
    </Box>
  );
}
