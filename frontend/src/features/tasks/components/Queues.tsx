import { Badge } from "@shopify/polaris";
import { type Column, DataTable } from "@/components/DataTable";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import type { QueueRow } from "@/lib/api/types";

export function Queues({ queues }: { queues: readonly QueueRow[] }) {
  const { t, f } = useI18n();
  if (queues.length === 0) return null;
  const drain = (queue: QueueRow) =>
    queue.depth === 0 || queue.done_per_min <= 0
      ? "–"
      : f.duration((queue.depth / queue.done_per_min) * 60_000);
  const columns: Column<QueueRow>[] = [
    {
      key: "name",
      header: t("queues.name"),
      cell: (queue) => (
        <>
          {t.code("queue", queue.name)} {queue.paused && <Badge tone="warning">{t("status.paused")}</Badge>}
        </>
      ),
    },
    { key: "depth", header: t("queues.depth"), numeric: true, cell: (queue) => f.number(queue.depth) },
    {
      key: "oldest",
      header: t("queues.oldest"),
      numeric: true,
      cell: (queue) => (queue.oldest_age_s === null ? "–" : f.duration(queue.oldest_age_s * 1000)),
    },
    { key: "running", header: t("queues.running"), numeric: true, cell: (queue) => f.number(queue.running) },
    {
      key: "done",
      header: t("queues.done_per_min"),
      numeric: true,
      cell: (queue) => f.decimal(queue.done_per_min),
    },
    { key: "drain", header: t("queues.drain"), numeric: true, wideOnly: true, cell: drain },
  ];
  return (
    <TableCard title={t("queues.title")}>
      <DataTable caption={t("queues.title")} columns={columns} rows={queues} rowKey={(queue) => queue.name} />
    </TableCard>
  );
}
