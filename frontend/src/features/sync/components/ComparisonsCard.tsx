import { BlockStack, Box, Text } from "@shopify/polaris";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "@/components/DataTable";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { Reconciliation } from "@/lib/api/types";
import { comparisonsQuery } from "../api";

/** Each night's comparison of what is here with what Shopify has, and what was repaired. */
export function ComparisonsCard() {
  const { t, f } = useI18n();
  const query = useInfiniteQuery(comparisonsQuery);
  const count = (value: number | null) => (value === null ? "–" : f.number(value));
  const columns: Column<Reconciliation>[] = [
    {
      key: "resource",
      header: t("store.resource"),
      cell: (row) => t.code("sync.resource", row.resource),
    },
    {
      key: "state",
      header: t("store.state"),
      cell: (row) => (
        <BlockStack inlineAlign="start">
          <StateBadge state={row.state} />
          {row.error && (
            <Text as="span" variant="bodySm" tone="subdued">
              {row.error}
            </Text>
          )}
        </BlockStack>
      ),
    },
    { key: "at", header: t("store.compared_at"), cell: (row) => <TimeAgo at={row.started_at} /> },
    { key: "theirs", header: t("store.theirs"), numeric: true, cell: (row) => count(row.theirs) },
    { key: "ours", header: t("store.ours"), numeric: true, cell: (row) => count(row.ours) },
    {
      key: "differed",
      header: t("store.differed"),
      long: true,
      cell: (row) =>
        row.missing + row.stale + row.surplus === 0
          ? t("store.equal")
          : t("store.differed_what", { missing: row.missing, stale: row.stale, surplus: row.surplus }),
    },
    {
      key: "repaired",
      header: t("store.repaired"),
      numeric: true,
      cell: (row) => (row.missing + row.stale + row.surplus === 0 ? "–" : f.number(row.repaired)),
    },
  ];
  return (
    <QueryView query={query} skeleton={<TableSkeleton rows={3} />}>
      {(data) => {
        const rows = data.pages.flatMap((page) => page.items);
        return (
          <TableCard
            title={t("store.comparisons")}
            loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
            loadingMore={query.isFetchingNextPage}
          >
            {rows.length === 0 ? (
              <Box padding="400" paddingBlockStart="0">
                <Text as="p" tone="subdued">
                  {t("store.no_comparisons")}
                </Text>
              </Box>
            ) : (
              <DataTable
                caption={t("store.comparisons")}
                columns={columns}
                rows={rows}
                rowKey={(row) => row.id}
              />
            )}
          </TableCard>
        );
      }}
    </QueryView>
  );
}
