import { Box, Link, Text } from "@shopify/polaris";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "@/components/DataTable";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useActor } from "@/lib/useActor";
import { type Access, accessQuery } from "../api";

/** Who was shown people's data. */
export function AccessCard() {
  const { t, f } = useI18n();
  const actorOf = useActor();
  const query = useInfiniteQuery(accessQuery);
  const columns: Column<Access>[] = [
    { key: "actor", header: t("privacy.column.who"), cell: (row) => actorOf(row.actor) },
    { key: "view", header: t("privacy.column.what"), cell: (row) => t.code("privacy.view", row.view) },
    { key: "subject", header: t("privacy.column.of"), long: true, cell: (row) => <Subject row={row} /> },
    {
      key: "people",
      header: t("privacy.column.people"),
      numeric: true,
      cell: (row) => f.number(row.people),
    },
    { key: "at", header: t("privacy.column.at"), cell: (row) => <TimeAgo at={row.at} /> },
  ];
  return (
    <QueryView
      query={query}
      skeleton={
        <LoadingRegion>
          <CardSkeleton lines={3} />
        </LoadingRegion>
      }
    >
      {(data) => {
        const rows = data.pages.flatMap((page) => page.items);
        return (
          <TableCard
            title={t("privacy.access")}
            loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
            loadingMore={query.isFetchingNextPage}
          >
            {rows.length === 0 ? (
              <Box padding="400" paddingBlockStart="0">
                <Text as="p" tone="subdued">
                  {t("privacy.no_access")}
                </Text>
              </Box>
            ) : (
              <DataTable
                caption={t("privacy.access")}
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

const PAGES = { cmp: "/campaigns", cus: "/customers" } as const;

/** What was looked at, as a way there where it has a page. */
function Subject({ row }: { row: Access }) {
  const page = PAGES[row.subject.slice(0, 3) as keyof typeof PAGES];
  return page ? <Link url={`${page}/${row.subject}`}>{row.subject}</Link> : <code>{row.subject}</code>;
}
