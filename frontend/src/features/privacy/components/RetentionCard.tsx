import { useQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "@/components/DataTable";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { humanise } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import { type Retention, retentionQuery } from "../api";

/** How long each kind of data is kept. */
export function RetentionCard() {
  const { t } = useI18n();
  const query = useQuery(retentionQuery);
  const columns: Column<Retention>[] = [
    { key: "table", header: t("privacy.column.data"), cell: (row) => humanise(row.table) },
    {
      key: "days",
      header: t("privacy.column.kept"),
      cell: (row) =>
        row.days === null ? t("privacy.until_erasure") : t("privacy.days", { count: row.days }),
    },
    { key: "by", header: t("privacy.column.by"), long: true, cell: (row) => t(`privacy.enforced.${row.by}`) },
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
            rows={rows}
            rowKey={(row) => row.table}
          />
        </TableCard>
      )}
    </QueryView>
  );
}
