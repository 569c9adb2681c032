import { BlockStack } from "@shopify/polaris";
import { Page } from "@/components/Page";
import { useI18n } from "@/i18n/useI18n";
import { ChannelsSection } from "../components/ChannelsSection";
import { DomainsSection } from "../components/DomainsSection";
import { RecipientsSection } from "../components/RecipientsSection";

/** What mail comes from and what it goes out through. */
export function SendingPage() {
  const { t } = useI18n();
  return (
    <Page
      title={t("sending.title")}
      subtitle={t("sending.subtitle")}
      backAction={{ content: t("nav.settings"), url: "/settings" }}
    >
      <BlockStack gap="600">
        <DomainsSection />
        <ChannelsSection />
        <RecipientsSection />
      </BlockStack>
    </Page>
  );
}
