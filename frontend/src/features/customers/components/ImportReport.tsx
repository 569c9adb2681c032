import { Banner, BlockStack, Box, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { Facts } from "@/components/Facts";
import { Progress } from "@/components/Progress";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import {
  type ContactImport,
  type ContactRefusal,
  isUnderWay,
  refusalsQuery,
  useDownloadRefusals,
} from "../importsApi";

/** How far an import is, what became of its rows, and every row that was refused. */
export function ImportReport({ imported }: { imported: ContactImport }) {
  const { t, f } = useI18n();
  const { counts, state } = imported;
  return (
    <BlockStack gap="400">
      {state === "failed" && (
        <Banner tone="critical" title={t("imports.failed")}>
          <p>{t("imports.failed_body", { error: imported.error ?? "", count: counts.waiting })}</p>
        </Banner>
      )}
      {state === "done" && imported.error && <Banner tone="warning" title={imported.error} />}
      {isUnderWay(imported) && (
        <Card>
          <BlockStack gap="200">
            <Progress
              label={t(`imports.${state === "reading" ? "reading" : "writing"}`)}
              done={counts.rows - counts.waiting}
              total={state === "reading" ? null : counts.rows}
            />
            <Text as="p" variant="bodySm" tone="subdued">
              {t("imports.leave")}
            </Text>
          </BlockStack>
        </Card>
      )}
      <Card>
        <BlockStack gap="300">
          <Text as="h2" variant="headingMd">
            {t("imports.became", { count: counts.rows })}
          </Text>
          <Facts
            facts={(["created", "updated", "unchanged", "merged", "suppressed", "refused"] as const).map(
              (name) => [t(`imports.count.${name}`), f.number(counts[name])],
            )}
          />
        </BlockStack>
      </Card>
      {counts.refused > 0 && <Refusals imported={imported} />}
    </BlockStack>
  );
}

function Refusals({ imported }: { imported: ContactImport }) {
  const { t, f } = useI18n();
  const query = useInfiniteQuery(refusalsQuery(imported.id));
  const download = useDownloadRefusals(imported.id);
  const columns: Column<ContactRefusal>[] = [
    { key: "line", header: t("lists.line"), cell: (row) => f.number(row.line) },
    {
      key: "reason",
      header: t("lists.reason"),
      long: true,
      cell: (row) => row.error ?? t.code("contact_refusal", row.reason),
    },
  ];
  return (
    <QueryView query={query} skeleton={<TableSkeleton rows={4} />}>
      {(data) => (
        <TableCard
          title={t("imports.refused", { count: imported.counts.refused })}
          loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
          loadingMore={query.isFetchingNextPage}
        >
          <Box padding="400" paddingBlockStart="0">
            <BlockStack gap="300">
              {download.error && <ErrorState error={download.error} />}
              <Facts
                facts={Object.entries(imported.refused).map(([reason, count]) => [
                  t.code("contact_refusal", reason),
                  f.number(count),
                ])}
              />
              <InlineStack>
                <Button loading={download.isPending} onClick={() => download.mutate()}>
                  {t("lists.download")}
                </Button>
              </InlineStack>
            </BlockStack>
          </Box>
          <DataTable
            caption={t("imports.refused_rows")}
            columns={columns}
            rows={data.pages.flatMap((page) => page.items)}
            rowKey={(row) => String(row.line)}
          />
        </TableCard>
      )}
    </QueryView>
  );
}
