import { BlockStack, Text } from "@shopify/polaris";
import { type Column, DataTable } from "@/components/DataTable";
import { Progress } from "@/components/Progress";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { JobRun } from "@/lib/api/types";
import { jobTitle } from "../jobTitle";

export function RunTable({ runs }: { runs: readonly JobRun[] }) {
  const { t, f } = useI18n();
  const columns: Column<JobRun>[] = [
    {
      key: "name",
      header: t("tasks.column.name"),
      cell: (run) => jobTitle(t, run),
    },
    {
      key: "state",
      header: t("tasks.column.state"),
      cell: (run) => <StateBadge state={run.state} />,
    },
    {
      key: "detail",
      header: t("tasks.column.detail"),
      long: true,
      cell: (run) => {
        if (run.error) {
          return (
            <Text as="span" tone="critical" variant="bodySm">
              {run.error.slice(0, 120)}
            </Text>
          );
        }
        if (run.progress && run.state === "running") {
          return (
            <Progress
              label={run.progress.note || t("progress.working")}
              done={run.progress.done}
              total={run.progress.total}
            />
          );
        }
        return (
          <Text as="span" tone="subdued" variant="bodySm">
            {t.code("queue", run.queue)}
          </Text>
        );
      },
    },
    {
      key: "attempt",
      header: t("tasks.column.attempt"),
      numeric: true,
      // How many tries are left matters only to a run that has needed more than one.
      cell: (run) =>
        run.attempt > 1
          ? t("tasks.attempt", { number: run.attempt, max: run.max_attempts })
          : f.number(run.attempt),
    },
    {
      key: "waited",
      header: t("tasks.column.waited"),
      numeric: true,
      wideOnly: true,
      cell: (run) => (run.wait_ms === null ? "–" : f.duration(run.wait_ms)),
    },
    {
      key: "ran",
      header: t("tasks.column.ran"),
      numeric: true,
      cell: (run) => (run.run_ms === null ? "–" : f.duration(run.run_ms)),
    },
    {
      key: "when",
      header: t("tasks.column.when"),
      cell: (run) => (
        <BlockStack>
          <TimeAgo at={run.finished_at ?? run.started_at ?? run.enqueued_at} />
        </BlockStack>
      ),
    },
  ];
  return (
    <DataTable
      caption={t("tasks.runs")}
      columns={columns}
      rows={runs}
      rowKey={(run) => run.id}
      rowHref={(run) => `/tasks/${run.id}`}
    />
  );
}
