import { Banner, BlockStack } from "@shopify/polaris";
import { Page } from "@/components/Page";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import { ApiKeysCard } from "../components/ApiKeysCard";
import { MembersCard } from "../components/MembersCard";

/** Who may come in, people and programs, and what each may do. */
export function AccessPage() {
  const { t } = useI18n();
  const mayManage = useMay("manage");
  return (
    <Page
      title={t("access.title")}
      subtitle={t("access.subtitle")}
      backAction={{ content: t("nav.settings"), url: "/settings" }}
    >
      {mayManage ? (
        <BlockStack gap="600">
          <MembersCard />
          <ApiKeysCard />
        </BlockStack>
      ) : (
        <Banner tone="info" title={t("access.not_allowed")}>
          <p>{t("access.not_allowed_body")}</p>
        </Banner>
      )}
    </Page>
  );
}
