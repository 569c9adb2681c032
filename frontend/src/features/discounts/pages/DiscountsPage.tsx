import { Banner, BlockStack, Button } from "@shopify/polaris";
import { DiscountIcon } from "@shopify/polaris-icons";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import { type Discount, discountsQuery } from "@/lib/queries/discounts";
import { useMay } from "@/lib/useSession";
import { discountsAllowedQuery } from "../api";
import { NewDiscountModal } from "../components/NewDiscountModal";
import { worthOf } from "../value";

/** Discounts with unique codes, the newest first. */
export function DiscountsPage() {
  const { t, f } = useI18n();
  const mayEdit = useMay("edit");
  const query = useInfiniteQuery(discountsQuery);
  const allowed = useQuery(discountsAllowedQuery);
  const [isAdding, setAdding] = useState(false);
  const mayCreate = mayEdit && allowed.data === true;
  const columns: Column<Discount>[] = [
    { key: "title", header: t("discounts.name"), cell: (row) => row.title },
    { key: "value", header: t("discounts.value"), cell: (row) => worthOf(row, t, f) },
    { key: "state", header: t("discounts.state"), cell: (row) => <StateBadge state={row.state} /> },
    {
      key: "live",
      header: t("discounts.live"),
      numeric: true,
      cell: (row) => t("progress.count", { done: row.live, total: row.codes }),
    },
    {
      key: "redeemed",
      header: t("discounts.redeemed"),
      numeric: true,
      cell: (row) => f.number(row.redeemed),
    },
    {
      key: "left",
      header: t("discounts.left"),
      numeric: true,
      cell: (row) => f.number(Math.max(0, row.live - Math.max(row.leased, row.redeemed))),
    },
    {
      key: "ends",
      header: t("discounts.ends"),
      cell: (row) => (row.ends_at ? f.date(row.ends_at) : t("discounts.no_end")),
    },
  ];
  return (
    <Page
      title={t("discounts.title")}
      subtitle={t("discounts.subtitle")}
      backAction={{ content: t("nav.campaigns"), url: "/campaigns" }}
      {...(mayCreate
        ? { primaryAction: { content: t("discounts.create"), onAction: () => setAdding(true) } }
        : {})}
    >
      <BlockStack gap="400">
        {allowed.data === false && (
          <Banner
            tone="info"
            title={t("discounts.not_allowed")}
            action={{ content: t("discounts.to_settings"), url: "/settings#access" }}
          >
            <p>{t("discounts.not_allowed_body")}</p>
          </Banner>
        )}
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={(data) => data.pages[0]?.items.length === 0}
          empty={
            <EmptyState
              icon={DiscountIcon}
              title={t("discounts.empty.title")}
              action={
                mayCreate && (
                  <Button variant="primary" onClick={() => setAdding(true)}>
                    {t("discounts.create")}
                  </Button>
                )
              }
            >
              {t("discounts.empty.body")}
            </EmptyState>
          }
        >
          {(data) => (
            <TableCard
              loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
              loadingMore={query.isFetchingNextPage}
            >
              <DataTable
                caption={t("discounts.title")}
                columns={columns}
                rows={data.pages.flatMap((page) => page.items)}
                rowKey={(row) => row.id}
                rowHref={(row) => `/campaigns/discounts/${row.id}`}
              />
            </TableCard>
          )}
        </QueryView>
      </BlockStack>
      {isAdding && <NewDiscountModal onClose={() => setAdding(false)} />}
    </Page>
  );
}
