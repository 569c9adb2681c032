import { BlockStack, Box, Button, InlineStack, Select, Text } from "@shopify/polaris";
import { EmailIcon } from "@shopify/polaris-icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { CampaignTable } from "@/components/CampaignTable";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateTabs } from "@/components/StateTabs";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import type { CampaignRow } from "@/lib/api/types";
import { campaignsQuery } from "../api";
import { comparePath, MAX_COMPARED, MIN_COMPARED } from "../comparison";

const SORTS = ["newest", "sent", "open_rate", "click_rate", "revenue", "revenue_per_recipient"] as const;
const STATES = ["draft", "scheduled", "sending", "paused", "sent", "cancelled", "failed"] as const;

export function CampaignsPage() {
  const { t } = useI18n();
  const [params, setParams] = useSearchParams();
  const state = STATES.find((one) => one === params.get("state")) ?? "";
  const sort = SORTS.find((one) => one === params.get("sort")) ?? "newest";
  const query = useInfiniteQuery(campaignsQuery(state, sort));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (row: CampaignRow) =>
    setChosen((before) => {
      const next = new Set(before);
      if (!next.delete(row.id) && next.size < MAX_COMPARED) next.add(row.id);
      return next;
    });
  const sortBy = (value: string) =>
    setParams((before) => {
      const next = new URLSearchParams(before);
      if (value === "newest") next.delete("sort");
      else next.set("sort", value);
      return next;
    });
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
        <Box paddingInline={{ xs: "300", sm: "0" }}>
          <InlineStack gap="300" align="space-between" blockAlign="center">
            <Select
              label={t("campaigns.sort")}
              labelInline
              options={SORTS.map((value) => ({ value, label: t(`campaigns.sort.${value}`) }))}
              value={sort}
              onChange={sortBy}
            />
            {chosen.size > 0 && (
              <InlineStack gap="200" blockAlign="center">
                <Text as="span" tone="subdued">
                  {chosen.size < MIN_COMPARED
                    ? t("campaigns.compare_more")
                    : t("campaigns.chosen", { count: chosen.size })}
                </Text>
                <Button onClick={() => setChosen(new Set())} variant="tertiary">
                  {t("campaigns.choose_none")}
                </Button>
                <Button disabled={chosen.size < MIN_COMPARED} url={comparePath([...chosen])}>
                  {t("campaigns.compare")}
                </Button>
              </InlineStack>
            )}
          </InlineStack>
        </Box>
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
                compared={chosen}
                onCompare={toggle}
              />
            </TableCard>
          )}
        </QueryView>
      </BlockStack>
    </Page>
  );
}
