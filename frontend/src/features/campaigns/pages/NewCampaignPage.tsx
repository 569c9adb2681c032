import { BlockStack, InlineGrid } from "@shopify/polaris";
import { EmailIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { TemplateRow } from "@/lib/api/types";
import { templatesQuery, useCreateCampaign } from "../api";
import { TemplateCard } from "../components/TemplateCard";

export function NewCampaignPage() {
  const { t, f } = useI18n();
  const navigate = useNavigate();
  const query = useQuery(templatesQuery);
  const create = useCreateCampaign();

  async function start(template: TemplateRow) {
    const name = t("gallery.campaign_name", {
      template: template.name,
      date: f.date(new Date().toISOString()),
    });
    const campaign = await create.mutateAsync({ name, template_key: template.key });
    await navigate(`/campaigns/${campaign.id}/edit`);
  }

  return (
    <Page
      title={t("gallery.title")}
      subtitle={t("gallery.subtitle")}
      backAction={{ content: t("nav.campaigns"), url: "/campaigns" }}
    >
      <BlockStack gap="400">
        {create.error && <ErrorState error={create.error} title={t("gallery.create_failed")} />}
        <QueryView
          query={query}
          skeleton={
            <LoadingRegion>
              <InlineGrid columns={{ xs: 1, sm: 2, lg: 3 }} gap="400">
                <CardSkeleton lines={10} />
                <CardSkeleton lines={10} />
                <CardSkeleton lines={10} />
              </InlineGrid>
            </LoadingRegion>
          }
          isEmpty={(templates) => templates.length === 0}
          empty={
            <EmptyState icon={EmailIcon} title={t("gallery.empty.title")}>
              {t("gallery.empty.body")}
            </EmptyState>
          }
        >
          {(templates) => (
            <InlineGrid columns={{ xs: 1, sm: 2, lg: 3 }} gap="400">
              {templates.map((template) => (
                <TemplateCard
                  key={template.key}
                  template={template}
                  busy={create.isPending && create.variables.template_key === template.key}
                  disabled={create.isPending}
                  choose={() => void start(template).catch(() => undefined)}
                />
              ))}
            </InlineGrid>
          )}
        </QueryView>
      </BlockStack>
    </Page>
  );
}
