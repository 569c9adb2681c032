import { Badge, Box, InlineStack, Text } from "@shopify/polaris";
import { type Column, DataTable } from "@/components/DataTable";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { TopicFigures } from "../api";

/** What came by which topic, how fast, and what went wrong with it. */
export function TopicTable({ topics }: { topics: readonly TopicFigures[] }) {
  const { t, f } = useI18n();
  const span = (p50: number | null, p95: number | null) =>
    p50 === null || p95 === null ? "–" : `${f.duration(p50)} / ${f.duration(p95)}`;
  const columns: Column<TopicFigures>[] = [
    {
      key: "topic",
      header: t("webhooks.column.topic"),
      cell: (row) => <code>{row.topic}</code>,
    },
    {
      key: "received",
      header: t("webhooks.column.received"),
      numeric: true,
      cell: (row) => f.number(row.received),
    },
    {
      key: "last",
      header: t("webhooks.column.last"),
      cell: (row) => (row.last_received_at ? <TimeAgo at={row.last_received_at} /> : "–"),
    },
    {
      key: "arrival",
      header: t("webhooks.column.arrival"),
      numeric: true,
      cell: (row) => span(row.arrival_p50_ms, row.arrival_p95_ms),
    },
    {
      key: "handling",
      header: t("webhooks.column.handling"),
      numeric: true,
      cell: (row) => span(row.handling_p50_ms, row.handling_p95_ms),
    },
    {
      key: "stale",
      header: t("webhooks.column.stale"),
      numeric: true,
      wideOnly: true,
      cell: (row) => (row.stale > 0 ? f.number(row.stale) : "–"),
    },
    {
      key: "trouble",
      header: t("webhooks.column.trouble"),
      cell: (row) => (row.handled && row.dead === 0 && row.waiting === 0 ? "–" : <Trouble row={row} />),
    },
  ];
  const silent = topics.filter((row) => row.received === 0).length;
  return (
    <TableCard title={t("webhooks.topics")}>
      <DataTable
        caption={t("webhooks.topics")}
        columns={columns}
        rows={topics.filter((row) => row.received > 0)}
        rowKey={(row) => row.topic}
        rowHref={(row) =>
          `/settings/webhooks?topic=${encodeURIComponent(row.topic)}${row.dead > 0 ? "&state=dead" : ""}`
        }
      />
      {silent > 0 && (
        <Box padding="300">
          <Text as="p" variant="bodySm" tone="subdued">
            {t("webhooks.silent", { count: silent })}
          </Text>
        </Box>
      )}
    </TableCard>
  );
}

function Trouble({ row }: { row: TopicFigures }) {
  const { t } = useI18n();
  return (
    <InlineStack gap="100">
      {row.dead > 0 && <Badge tone="critical">{t("webhooks.dead", { count: row.dead })}</Badge>}
      {row.waiting > 0 && <Badge tone="info">{t("webhooks.waiting", { count: row.waiting })}</Badge>}
      {!row.handled && <Badge tone="warning">{t("webhooks.unhandled")}</Badge>}
    </InlineStack>
  );
}
