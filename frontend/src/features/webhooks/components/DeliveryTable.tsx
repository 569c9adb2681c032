import { type Column, DataTable } from "@/components/DataTable";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { Delivery } from "../api";

/** Deliveries, the newest first. */
export function DeliveryTable({ rows }: { rows: readonly Delivery[] }) {
  const { t, f } = useI18n();
  const took = (ms: number | null) => (ms === null ? "–" : f.duration(ms));
  const columns: Column<Delivery>[] = [
    { key: "topic", header: t("webhooks.column.topic"), cell: (row) => <code>{row.topic}</code> },
    {
      key: "state",
      header: t("webhooks.column.state"),
      cell: (row) => <StateBadge state={TONES[row.state]} label={t(`webhooks.state.${row.state}`)} />,
    },
    {
      key: "object",
      header: t("webhooks.column.object"),
      cell: (row) => (row.object_gid ? shortGid(row.object_gid) : "–"),
    },
    {
      key: "received",
      header: t("webhooks.column.at"),
      cell: (row) => <TimeAgo at={row.received_at} />,
    },
    {
      key: "arrival",
      header: t("webhooks.column.arrival_one"),
      numeric: true,
      wideOnly: true,
      cell: (row) => took(row.arrival_ms),
    },
    {
      key: "handling",
      header: t("webhooks.column.handling_one"),
      numeric: true,
      wideOnly: true,
      cell: (row) => took(row.handling_ms),
    },
    {
      key: "error",
      header: t("webhooks.column.error"),
      long: true,
      cell: (row) => row.error ?? "–",
    },
  ];
  return (
    <DataTable
      caption={t("webhooks.deliveries")}
      columns={columns}
      rows={rows}
      rowKey={(row) => row.id}
      rowHref={(row) => `/settings/webhooks/${row.id}`}
    />
  );
}

/** The colours of the states, as the rest of the product has them. */
export const TONES = {
  waiting: "queued",
  retrying: "retrying",
  applied: "done",
  stale: "draft",
  unhandled: "unknown",
  dead: "dead",
} as const;

/** `Order/123`: what every global id has in front says nothing. */
export function shortGid(gid: string): string {
  return gid.replace("gid://shopify/", "");
}
