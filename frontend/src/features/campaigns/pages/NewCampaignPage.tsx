import { BlockStack, Button, InlineGrid, InlineStack, Text } from "@shopify/polaris";
import { EmailIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearchParams } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { StateTabs } from "@/components/StateTabs";
import { useI18n } from "@/i18n/useI18n";
import type { TemplateRow } from "@/lib/api/types";
import { useCreateCampaign } from "../api";
import { OwnTemplates } from "../components/OwnTemplates";
import { TemplateCard } from "../components/TemplateCard";
import { savedTemplatesQuery, templatesQuery } from "../templatesApi";

export function NewCampaignPage() {
  const { t, f } = useI18n();
  const navigate = useNavigate();
  const query = useQuery(templatesQuery);
  const saved = useQuery(savedTemplatesQuery);
  const create = useCreateCampaign();
  const [params, setParams] = useSearchParams();
  const category = params.get("category") ?? "";
  const own = (saved.data ?? []).filter(({ kind }) => kind === "template");
  const starting = create.isPending ? create.variables.template_key : null;

  async function start(template: { name: string }, key: string) {
    const name = t("gallery.campaign_name", {
      template: template.name,
      date: f.date(new Date().toISOString()),
    });
    const campaign = await create.mutateAsync({ name, template_key: key });
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
        {saved.error && <ErrorState error={saved.error} retry={() => void saved.refetch()} />}
        {own.length > 0 && (
          <OwnTemplates
            templates={own}
            starting={starting}
            start={(template) => void start(template, template.id).catch(() => undefined)}
          />
        )}
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
            <BlockStack gap="400">
              {own.length > 0 && (
                <Text as="h2" variant="headingLg">
                  {t("gallery.built_in")}
                </Text>
              )}
              <CategoryTabs templates={templates} />
              {templates.some((template) => isShown(template, category)) ? (
                <InlineGrid columns={{ xs: 1, sm: 2, lg: 3 }} gap="400">
                  {templates
                    .filter((template) => isShown(template, category))
                    .map((template) => (
                      <TemplateCard
                        key={template.key}
                        template={template}
                        busy={starting === template.key}
                        disabled={create.isPending}
                        choose={() =>
                          void start(
                            { name: t.code("template_name", template.key, {}, template.name) },
                            template.key,
                          ).catch(() => undefined)
                        }
                      />
                    ))}
                </InlineGrid>
              ) : (
                <InlineStack gap="300" blockAlign="center">
                  <Text as="p">{t("gallery.none_in_category")}</Text>
                  <Button onClick={() => setParams({})}>{t("gallery.show_all")}</Button>
                </InlineStack>
              )}
            </BlockStack>
          )}
        </QueryView>
      </BlockStack>
    </Page>
  );
}

function isShown(template: TemplateRow, category: string): boolean {
  return category === "" || template.category === category;
}

/** The categories that some template is in, in the gallery's order. */
function CategoryTabs({ templates }: { templates: readonly TemplateRow[] }) {
  const { t } = useI18n();
  const categories = [...new Set(templates.map(({ category }) => category))];
  const count = (category: string) => templates.filter((template) => isShown(template, category)).length;
  return (
    <StateTabs
      label={t("gallery.filter")}
      param="category"
      tabs={[
        { value: "", label: t("gallery.all"), count: templates.length },
        ...categories.map((value) => ({
          value,
          label: t.code("template_category", value),
          count: count(value),
        })),
      ]}
    />
  );
}
