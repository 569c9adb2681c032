import { BlockStack, Box, Text } from "@shopify/polaris";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { Progress } from "@/components/Progress";
import { RowMenu } from "@/components/RowMenu";
import { StateBadge } from "@/components/StateBadge";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import type { SyncRun } from "@/lib/api/types";
import { useMay } from "@/lib/useSession";
import { type ExportResource, isRunning, type ResourceName, type SyncResource, useExport } from "../api";

/** What of a kind of data can be taken along; orders bring what belongs to them. */
const PARTS: Record<ResourceName, readonly ExportResource[]> = {
  customers: ["customers"],
  products: ["products", "variants"],
  collections: ["collections"],
  orders: ["orders", "order_lines", "transactions", "refunds", "fulfillments"],
  abandoned_checkouts: ["abandoned_checkouts"],
  segments: ["segments"],
};

/** One synchronisation, kind by kind: rows, what was refused and why, and what it brought as a file. */
export function RunCard({ run, title }: { run: SyncRun; title: string }) {
  const { t, f } = useI18n();
  const mayExport = useMay("manage");
  const take = useExport(run.id);
  const running = isRunning(run);
  const columns: Column<SyncResource>[] = [
    {
      key: "resource",
      header: t("store.resource"),
      cell: (row) => t.code("sync.resource", row.resource),
    },
    {
      key: "state",
      header: t("store.state"),
      cell: (row) => (
        <BlockStack inlineAlign="start">
          <StateBadge state={row.state} />
          {row.skipped_reason && (
            <Text as="span" variant="bodySm" tone="subdued">
              {t("store.left_out", { reason: row.skipped_reason })}
            </Text>
          )}
        </BlockStack>
      ),
    },
    {
      key: "rows",
      header: t("store.rows"),
      numeric: true,
      cell: (row) =>
        running && row.objects_expected
          ? t("progress.count", { done: row.rows_done, total: row.objects_expected })
          : f.number(row.rows_done),
    },
    {
      key: "refused",
      header: t("store.refused"),
      numeric: true,
      cell: (row) => (row.rows_refused > 0 ? f.number(row.rows_refused) : "–"),
    },
    ...(mayExport && !running
      ? [
          {
            key: "export",
            header: t("store.export"),
            corner: true,
            cell: (row: SyncResource) =>
              row.state === "done" ? (
                <RowMenu
                  label={t("store.export_of", { resource: t.code("sync.resource", row.resource) })}
                  actions={PARTS[row.resource].flatMap((resource) =>
                    (["csv", "jsonl"] as const).map((format) => ({
                      content: `${t.code("store.part", resource)}: ${t(`store.export_${format}`)}`,
                      onAction: () => take.mutate({ resource, format }),
                    })),
                  )}
                />
              ) : (
                "–"
              ),
          },
        ]
      : []),
  ];
  return (
    <TableCard title={title}>
      {(running || take.error) && (
        <Box paddingInline="400" paddingBlockEnd="400">
          <BlockStack gap="300">
            {take.error && <ErrorState error={take.error} title={t("store.export_failed")} />}
            {running && (
              <>
                <Progress
                  label={t("store.title")}
                  done={Math.round(run.progress * 100)}
                  total={100}
                  text={f.percent(run.progress)}
                />
                <Text as="p" variant="bodySm" tone="subdued">
                  {t("sync.leave")}
                </Text>
              </>
            )}
          </BlockStack>
        </Box>
      )}
      <DataTable caption={title} columns={columns} rows={run.resources} rowKey={(row) => row.resource} />
    </TableCard>
  );
}

interface Refused {
  resource: ResourceName;
  reason: string;
  count: number;
}

/** The rows that could not be read, by reason. */
export function RefusedCard({ run }: { run: SyncRun }) {
  const { t, f } = useI18n();
  const rows: Refused[] = run.resources.flatMap(({ resource, refused_by_reason }) =>
    (refused_by_reason ?? []).map((one) => ({ resource, ...one })),
  );
  if (rows.length === 0) return null;
  const columns: Column<Refused>[] = [
    { key: "reason", header: t("store.reason"), cell: (row) => row.reason },
    { key: "resource", header: t("store.resource"), cell: (row) => t.code("sync.resource", row.resource) },
    { key: "count", header: t("store.count"), numeric: true, cell: (row) => f.number(row.count) },
  ];
  return (
    <TableCard title={t("store.refusals")}>
      <DataTable
        caption={t("store.refusals")}
        columns={columns}
        rows={rows}
        rowKey={(row) => `${row.resource}:${row.reason}`}
      />
    </TableCard>
  );
}
