import { BlockStack, Button, Card, Layout, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { Settings } from "@/lib/api/types";
import { settingsQuery } from "@/lib/queries/settings";
import { useMay } from "@/lib/useSession";
import { AccessCard } from "../components/AccessCard";
import { AttributionCard } from "../components/AttributionCard";
import { DoubleOptInCard } from "../components/DoubleOptInCard";
import { LanguageCard } from "../components/LanguageCard";
import { LookCard } from "../components/LookCard";
import { PeopleCard } from "../components/PeopleCard";
import { PixelCard } from "../components/PixelCard";
import { SenderCard } from "../components/SenderCard";
import { SetUp } from "../components/SetUp";
import { StoreCard } from "../components/StoreCard";
import { SyncCard } from "../components/SyncCard";
import { WebhooksCard } from "../components/WebhooksCard";

export function SettingsPage() {
  const { t } = useI18n();
  const query = useQuery(settingsQuery);
  return (
    <Page title={t("nav.settings")} subtitle={t("settings.subtitle")}>
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <BlockStack gap="400">
              <CardSkeleton lines={4} />
              <CardSkeleton lines={4} />
              <CardSkeleton lines={4} />
            </BlockStack>
          </LoadingRegion>
        }
      >
        {(settings) => <SettingsContent settings={settings} />}
      </QueryView>
    </Page>
  );
}

function SettingsContent({ settings }: { settings: Settings }) {
  const { t } = useI18n();
  const mayManage = useMay("manage");
  return (
    <>
      <SetUp settings={settings} />
      <Layout>
        <Layout.AnnotatedSection
          id="sender"
          title={t("settings.sender.title")}
          description={t("settings.sender.why")}
        >
          <SenderCard key={`${settings.sender.name}|${settings.sender.email}`} sender={settings.sender} />
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection id="sending" title={t("sending.title")} description={t("sending.link_why")}>
          <Card>
            <Button url="/settings/sending">{t("sending.link")}</Button>
          </Card>
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection id="policy" title={t("policy.title")} description={t("policy.link_why")}>
          <Card>
            <Button url="/settings/contact-policy">{t("policy.link")}</Button>
          </Card>
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection
          id="opt-in"
          title={t("settings.opt_in.title")}
          description={t("settings.opt_in.why")}
        >
          <DoubleOptInCard enabled={settings.double_opt_in} />
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection id="look" title={t("look.title")} description={t("look.why")}>
          <LookCard />
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection
          id="pixel"
          title={t("settings.pixel.title")}
          description={t("settings.pixel.why")}
        >
          <PixelCard pixel={settings.pixel} />
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection
          id="store"
          title={t("settings.store.title")}
          description={t("settings.store.why")}
        >
          <StoreCard store={settings.store} token={settings.token} />
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection
          id="access"
          title={t("settings.access.title")}
          description={t("settings.access.why")}
        >
          <AccessCard token={settings.token} />
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection id="sync" title={t("store.title")} description={t("store.settings_why")}>
          <SyncCard />
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection
          id="webhooks"
          title={t("settings.webhooks.title")}
          description={t("settings.webhooks.why")}
        >
          <WebhooksCard webhooks={settings.webhooks} />
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection
          id="attribution"
          title={t("settings.attribution.title")}
          description={t("settings.attribution.why")}
        >
          <AttributionCard attribution={settings.attribution} />
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection id="people" title={t("access.title")} description={t("access.settings_why")}>
          <PeopleCard />
        </Layout.AnnotatedSection>
        {mayManage && (
          <Layout.AnnotatedSection
            id="privacy"
            title={t("settings.privacy.title")}
            description={t("settings.privacy.why")}
          >
            <Card>
              <BlockStack gap="400" inlineAlign="start">
                <Text as="p">{t("settings.privacy.body")}</Text>
                <Button url="/settings/privacy">{t("settings.privacy.open")}</Button>
              </BlockStack>
            </Card>
          </Layout.AnnotatedSection>
        )}
        <Layout.AnnotatedSection
          id="language"
          title={t("settings.language.title")}
          description={t("settings.language.why")}
        >
          <LanguageCard />
        </Layout.AnnotatedSection>
      </Layout>
    </>
  );
}
