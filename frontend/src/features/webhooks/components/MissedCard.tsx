import { Text } from "@shopify/polaris";
import { type Column, DataTable } from "@/components/DataTable";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import type { MissedDay } from "../api";

/** Changes that polling found and no delivery had told of. */
export function MissedCard({ days }: { days: readonly MissedDay[] }) {
  const { t, f } = useI18n();
  const columns: Column<MissedDay>[] = [
    { key: "day", header: t("webhooks.missed.day"), cell: (row) => f.date(`${row.day}T12:00:00Z`) },
    { key: "family", header: t("webhooks.missed.family"), cell: (row) => <code>{row.family}</code> },
    {
      key: "polled",
      header: t("webhooks.missed.polled"),
      numeric: true,
      cell: (row) => f.number(row.polled),
    },
    {
      key: "missed",
      header: t("webhooks.missed.missed"),
      numeric: true,
      cell: (row) => (
        <Text as="span" {...(row.missed > 0 ? { tone: "critical" as const } : {})}>
          {f.number(row.missed)}
        </Text>
      ),
    },
  ];
  return (
    <TableCard title={t("webhooks.missed.title")}>
      <DataTable
        caption={t("webhooks.missed.title")}
        columns={columns}
        rows={days}
        rowKey={(row) => `${row.day}|${row.family}`}
      />
    </TableCard>
  );
}
