import { BlockStack, Box, Text } from "@shopify/polaris";
import { DesktopIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { Stat, StatRow } from "@/components/Stat";
import { StateBadge } from "@/components/StateBadge";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { ProcessRow, Workers } from "@/lib/api/types";
import { workersQuery } from "../api";

const WORST_FIRST = ["lost", "late", "ok"];

export function WorkersPage() {
  const { t } = useI18n();
  const query = useQuery(workersQuery);
  return (
    <Page title={t("nav.workers")} subtitle={t("workers.subtitle")}>
      <QueryView
        query={query}
        skeleton={<TableSkeleton />}
        isEmpty={(data) => data.processes.length === 0}
        empty={
          <EmptyState icon={DesktopIcon} title={t("workers.empty.title")}>
            {t("workers.empty.body")}
          </EmptyState>
        }
      >
        {(data) => <WorkersContent workers={data} />}
      </QueryView>
    </Page>
  );
}

function WorkersContent({ workers }: { workers: Workers }) {
  const { t, f } = useI18n();
  const { processes } = workers;
  const count = (state: string) => processes.filter((process) => process.state === state).length;
  const [lost, late] = [count("lost"), count("late")];
  const slots = processes.reduce((sum, process) => sum + process.slots, 0);
  const busy = processes.reduce((sum, process) => sum + process.busy, 0);
  const memory = processes.reduce((sum, process) => sum + process.rss_mib, 0);
  const sentence =
    lost > 0
      ? t("workers.lost", { count: lost })
      : late > 0
        ? t("workers.late", { count: late })
        : t("workers.well", { count: processes.length });
  const rows = [...processes].sort(
    (a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state) || a.name.localeCompare(b.name),
  );
  const columns: Column<ProcessRow>[] = [
    {
      key: "name",
      header: t("workers.column.name"),
      cell: (row) => (
        <BlockStack>
          <span>{row.name}</span>
          <Text as="span" variant="bodySm" tone="subdued">
            {`${t.code("process", row.kind)} · ${row.host}:${row.pid}`}
          </Text>
        </BlockStack>
      ),
    },
    { key: "state", header: t("workers.column.state"), cell: (row) => <StateBadge state={row.state} /> },
    {
      key: "queues",
      header: t("workers.column.queues"),
      cell: (row) => row.queues.map((queue) => t.code("queue", queue)).join(", ") || "–",
    },
    {
      key: "busy",
      header: t("workers.column.busy"),
      numeric: true,
      cell: (row) => (row.slots > 0 ? t("workers.busy", { busy: row.busy, slots: row.slots }) : "–"),
    },
    { key: "done", header: t("workers.column.done"), numeric: true, cell: (row) => f.number(row.done) },
    {
      key: "memory",
      header: t("workers.column.memory"),
      numeric: true,
      cell: (row) => t("workers.mib", { size: Math.round(row.rss_mib) }),
    },
    {
      key: "started",
      header: t("workers.column.started"),
      wideOnly: true,
      cell: (row) => <TimeAgo at={row.started_at} />,
    },
    { key: "beat", header: t("workers.column.beat"), cell: (row) => <TimeAgo at={row.beat_at} /> },
    { key: "version", header: t("workers.column.version"), wideOnly: true, cell: (row) => row.version },
  ];
  return (
    <BlockStack gap="400">
      <div aria-live="polite">
        <Box paddingInline={{ xs: "400", sm: "0" }}>
          <Text as="h2" variant="headingLg" tone={lost > 0 ? "critical" : late > 0 ? "caution" : undefined}>
            {sentence}
          </Text>
        </Box>
      </div>
      <StatRow count={4}>
        <Stat label={t("workers.processes")} value={f.number(processes.length)} />
        <Stat
          label={t("workers.slots")}
          value={t("workers.busy", { busy, slots })}
          detail={t("workers.slots_detail")}
        />
        <Stat label={t("workers.memory")} value={t("workers.mib", { size: Math.round(memory) })} />
        <Stat
          label={t("workers.done")}
          value={f.number(processes.reduce((sum, process) => sum + process.done, 0))}
          detail={t("workers.done_detail")}
        />
      </StatRow>
      <TableCard>
        <DataTable
          caption={t("nav.workers")}
          columns={columns}
          rows={rows}
          rowKey={(row) => `${row.host}:${row.pid}:${row.name}`}
        />
      </TableCard>
    </BlockStack>
  );
}
