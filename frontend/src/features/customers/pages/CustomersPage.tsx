import { BlockStack, Box, Button, SkeletonDisplayText, Text, TextField } from "@shopify/polaris";
import { PersonIcon } from "@shopify/polaris-icons";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import type { CustomerRow } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";
import { useSearchInAddress } from "@/lib/useSearchInAddress";
import { useMay } from "@/lib/useSession";
import { customerListQuery, totalsQuery } from "../api";
import { ConsentBadge } from "../components/ConsentBadge";
import { useExportCustomers } from "../importsApi";

/** The store's customers, the newest first, found by name or address. */
export function CustomersPage() {
  const { t, f } = useI18n();
  const { q, text, setText } = useSearchInAddress();
  const query = useInfiniteQuery(customerListQuery(q));
  const mayManage = useMay("manage");
  const download = useExportCustomers();

  const columns: Column<CustomerRow>[] = [
    {
      key: "name",
      header: t("customers.column.name"),
      cell: (row) => (
        <BlockStack>
          <span>{row.name || t("customer.nameless")}</span>
          {row.email && row.email !== row.name && (
            <Text as="span" variant="bodySm" tone="subdued" breakWord>
              {row.email}
            </Text>
          )}
        </BlockStack>
      ),
    },
    {
      key: "consent",
      header: t("customers.column.consent"),
      cell: (row) => <ConsentBadge state={row.email_subscription} />,
    },
    {
      key: "place",
      header: t("customers.column.place"),
      cell: (row) => f.place(row.city, row.country) || "–",
    },
    {
      key: "orders",
      header: t("customers.column.orders"),
      numeric: true,
      cell: (row) => f.number(row.orders_count),
    },
    {
      key: "spent",
      header: t("customers.column.spent"),
      numeric: true,
      cell: (row) => f.money(row.total_spent),
    },
    {
      key: "last",
      header: t("customers.column.last_order"),
      cell: (row) => (row.last_order_at ? f.date(row.last_order_at) : "–"),
    },
  ];
  return (
    <Page
      title={t("nav.customers")}
      subtitle={t("customers.subtitle")}
      secondaryActions={[
        { content: t("imports.open"), url: "/customers/imports" },
        ...(mayManage
          ? [{ content: t("imports.export"), loading: download.isPending, onAction: () => download.mutate() }]
          : []),
      ]}
    >
      <BlockStack gap="400">
        {download.error && <ErrorState error={download.error} title={t("imports.export_failed")} />}
        <Totals />
        <Box paddingInline={{ xs: "300", sm: "0" }}>
          <TextField
            label={t("customers.search")}
            labelHidden
            type="search"
            placeholder={t("customers.search")}
            value={text}
            onChange={setText}
            clearButton
            onClearButtonClick={() => setText("")}
            autoComplete="off"
          />
        </Box>
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={(data) => data.pages[0]?.items.length === 0}
          empty={
            <EmptyState
              icon={PersonIcon}
              title={t(q ? "customers.none.title" : "customers.empty.title")}
              action={
                q ? (
                  <Button onClick={() => setText("")}>{t("customers.show_all")}</Button>
                ) : (
                  <Button url="/settings/sync">{t("customers.empty.action")}</Button>
                )
              }
            >
              {t(q ? "customers.none.body" : "customers.empty.body")}
            </EmptyState>
          }
        >
          {(data) => (
            <TableCard
              loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
              loadingMore={query.isFetchingNextPage}
            >
              <DataTable
                caption={t("nav.customers")}
                columns={columns}
                rows={data.pages.flatMap((page) => page.items)}
                rowKey={(row) => row.id}
                rowHref={(row) => `/customers/${row.id}`}
              />
            </TableCard>
          )}
        </QueryView>
      </BlockStack>
    </Page>
  );
}

/** How many there are, and how many may be written to. A figure beside the list: without it the list still serves. */
function Totals() {
  const { t, f } = useI18n();
  const { data: totals, isPending } = useQuery(totalsQuery);
  const share = totals ? ratio(totals.subscribed, totals.customers) : null;
  return (
    <Box paddingInline={{ xs: "400", sm: "0" }} minHeight="44px">
      {totals ? (
        <Text as="h2" variant="headingLg">
          {t("customers.count", { count: totals.customers })}
        </Text>
      ) : (
        isPending && <SkeletonDisplayText size="small" />
      )}
      {totals && share !== null && (
        <Text as="p" tone="subdued">
          {t("customers.subscribed", { count: totals.subscribed, share: f.percent(share) })}
        </Text>
      )}
    </Box>
  );
}
