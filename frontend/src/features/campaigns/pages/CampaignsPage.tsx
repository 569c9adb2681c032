import { BlockStack, Button } from "@shopify/polaris";
import { EmailIcon } from "@shopify/polaris-icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { CampaignTable } from "@/components/CampaignTable";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateTabs } from "@/components/StateTabs";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import { campaignsQuery } from "../api";

const STATES = ["draft", "scheduled", "sending", "paused", "sent", "cancelled", "failed"] as const;

export function CampaignsPage() {
  const { t } = useI18n();
  const [params] = useSearchParams();
  const state = STATES.find((one) => one === params.get("state")) ?? "";
  const query = useInfiniteQuery(campaignsQuery(state));
  const create = (
    <Button variant="primary" url="/campaigns/new">
      {t("campaigns.create")}
    </Button>
  );
  return (
    <Page
      title={t("nav.campaigns")}
      primaryAction={create}
      secondaryActions={[{ content: t("discounts.title"), url: "/campaigns/discounts" }]}
    >
      <BlockStack gap="300">
        <StateTabs
          label={t("campaigns.filter")}
          param="state"
          tabs={[
            { value: "", label: t("campaigns.all") },
            ...STATES.map((value) => ({ value, label: t(`status.${value}`) })),
          ]}
        />
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={(data) => data.pages[0]?.items.length === 0}
          empty={
            state ? (
              <EmptyState
                icon={EmailIcon}
                title={t("campaigns.none_in_state")}
                action={<Button url="/campaigns">{t("campaigns.show_all")}</Button>}
              >
                {t("campaigns.none_in_state_body")}
              </EmptyState>
            ) : (
              <EmptyState icon={EmailIcon} title={t("campaigns.empty.title")} action={create}>
                {t("campaigns.empty.body")}
              </EmptyState>
            )
          }
        >
          {(data) => (
            <TableCard
              loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
              loadingMore={query.isFetchingNextPage}
            >
              <CampaignTable
                caption={t("nav.campaigns")}
                campaigns={data.pages.flatMap((page) => page.items)}
              />
            </TableCard>
          )}
        </QueryView>
      </BlockStack>
    </Page>
  );
}
