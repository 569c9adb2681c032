import { BlockStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "@/components/DataTable";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import { type Retention, retentionQuery } from "../api";

/** How long each kind of data is kept: first what goes by itself, the longest kept last, then what stays. */
export function RetentionCard() {
  const { t } = useI18n();
  const query = useQuery(retentionQuery);
  const titleOf = (row: Retention) => t.code("data", row.table);
  const inOrder = (rows: readonly Retention[]) =>
    [...rows].sort(
      (a, b) =>
        (a.days ?? Number.POSITIVE_INFINITY) - (b.days ?? Number.POSITIVE_INFINITY) ||
        titleOf(a).localeCompare(titleOf(b)),
    );
  const columns: Column<Retention>[] = [
    {
      key: "table",
      header: t("privacy.column.data"),
      cell: (row) => (
        <BlockStack>
          <span>{titleOf(row)}</span>
          <Text as="span" variant="bodySm" tone="subdued" fontWeight="regular">
            {t.code("data_means", row.table, {}, "")}
          </Text>
        </BlockStack>
      ),
    },
    {
      key: "days",
      header: t("privacy.column.kept"),
      cell: (row) =>
        row.days === null ? t("privacy.until_erasure") : t("privacy.days", { count: row.days }),
    },
    {
      key: "by",
      header: t("privacy.column.by"),
      wideOnly: true,
      cell: (row) => t(`privacy.enforced.${row.by}`),
    },
  ];
  return (
    <QueryView
      query={query}
      skeleton={
        <LoadingRegion>
          <CardSkeleton lines={4} />
        </LoadingRegion>
      }
    >
      {(rows) => (
        <TableCard title={t("privacy.retention")}>
          <DataTable
            caption={t("privacy.retention")}
            columns={columns}
            rows={inOrder(rows)}
            rowKey={(row) => row.table}
          />
        </TableCard>
      )}
    </QueryView>
  );
}
