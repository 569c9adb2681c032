import { BlockStack, Button } from "@shopify/polaris";
import { PersonSegmentIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { Segment } from "@/lib/api/types";
import { segmentsQuery } from "@/lib/queries/segments";
import { inWords } from "@/lib/ruleWords";
import { SuggestedSegments } from "../components/SuggestedSegments";
import { UploadedLists } from "../components/UploadedLists";

export function SegmentsPage() {
  const { t, f } = useI18n();
  const query = useQuery(segmentsQuery);
  const columns: Column<Segment>[] = [
    { key: "name", header: t("segments.column.name"), cell: (row) => row.name },
    { key: "rules", header: t("segments.column.rules"), long: true, cell: (row) => inWords(t, row.rules) },
    {
      key: "members",
      header: t("segments.column.members"),
      numeric: true,
      cell: (row) => (row.member_count === null ? "–" : f.number(row.member_count)),
    },
    { key: "counted", header: t("segments.column.counted"), cell: (row) => <TimeAgo at={row.counted_at} /> },
  ];
  return (
    <Page
      title={t("nav.segments")}
      subtitle={t("segments.subtitle")}
      primaryAction={
        <Button variant="primary" url="/segments/new">
          {t("segments.create")}
        </Button>
      }
    >
      <BlockStack gap="400">
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={(page) => page.items.length === 0}
          empty={
            <EmptyState
              icon={PersonSegmentIcon}
              title={t("segments.empty.title")}
              action={
                <Button url="/segments/new" variant="primary">
                  {t("segments.create")}
                </Button>
              }
            >
              {t("segments.empty.body")}
            </EmptyState>
          }
        >
          {(page) => (
            <TableCard>
              <DataTable
                caption={t("nav.segments")}
                columns={columns}
                rows={page.items}
                rowKey={(row) => row.id}
                rowHref={(row) => `/segments/${row.id}`}
              />
            </TableCard>
          )}
        </QueryView>
        <UploadedLists />
        <SuggestedSegments />
      </BlockStack>
    </Page>
  );
}
