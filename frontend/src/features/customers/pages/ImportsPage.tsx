import { BlockStack, Button } from "@shopify/polaris";
import { ImportIcon } from "@shopify/polaris-icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import { UploadContactsModal } from "../components/UploadContactsModal";
import { type ContactImport, importsQuery } from "../importsApi";

/** Files of contacts, the newest first. */
export function ImportsPage() {
  const { t, f } = useI18n();
  const mayEdit = useMay("edit");
  const query = useInfiniteQuery(importsQuery);
  const [uploading, setUploading] = useState(false);
  const columns: Column<ContactImport>[] = [
    { key: "name", header: t("imports.file"), cell: (row) => row.name },
    {
      key: "state",
      header: t("imports.state"),
      cell: (row) => <StateBadge state={row.state} label={t(`imports.state.${row.state}`)} />,
    },
    {
      key: "created",
      header: t("imports.count.created"),
      numeric: true,
      cell: (row) => f.number(row.counts.created),
    },
    {
      key: "updated",
      header: t("imports.count.updated"),
      numeric: true,
      cell: (row) => f.number(row.counts.updated),
    },
    {
      key: "refused",
      header: t("imports.count.refused"),
      numeric: true,
      cell: (row) => f.number(row.counts.refused),
    },
    { key: "at", header: t("imports.at"), cell: (row) => <TimeAgo at={row.created_at} /> },
  ];
  return (
    <Page
      title={t("imports.title")}
      subtitle={t("imports.subtitle")}
      backAction={{ content: t("nav.customers"), url: "/customers" }}
      {...(mayEdit && query.data?.pages[0]?.items.length
        ? { primaryAction: { content: t("imports.upload"), onAction: () => setUploading(true) } }
        : {})}
    >
      <BlockStack gap="400">
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={(data) => data.pages[0]?.items.length === 0}
          empty={
            <EmptyState
              icon={ImportIcon}
              title={t("imports.empty.title")}
              action={
                mayEdit && (
                  <Button variant="primary" onClick={() => setUploading(true)}>
                    {t("imports.upload")}
                  </Button>
                )
              }
            >
              {t("imports.empty.body")}
            </EmptyState>
          }
        >
          {(data) => (
            <TableCard
              loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
              loadingMore={query.isFetchingNextPage}
            >
              <DataTable
                caption={t("imports.title")}
                columns={columns}
                rows={data.pages.flatMap((page) => page.items)}
                rowKey={(row) => row.id}
                {...(mayEdit ? { rowHref: (row: ContactImport) => `/customers/imports/${row.id}` } : {})}
              />
            </TableCard>
          )}
        </QueryView>
      </BlockStack>
      {uploading && <UploadContactsModal onClose={() => setUploading(false)} />}
    </Page>
  );
}
