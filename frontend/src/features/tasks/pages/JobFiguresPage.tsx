import { BlockStack, Box, InlineStack, Select } from "@shopify/polaris";
import { ChartVerticalIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateTabs } from "@/components/StateTabs";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import type { FigureWindow, JobFigures } from "@/lib/api/jobTypes";
import { ratio } from "@/lib/ratio";
import { JobCharts } from "../components/JobCharts";
import { TasksNav } from "../components/TasksNav";
import { figuresQuery } from "../figuresApi";
import { jobTitle } from "../words";

const WINDOWS = ["1h", "24h", "7d"] as const satisfies readonly FigureWindow[];

/** What the table can be ordered by, each the largest first. */
const ORDERS = {
  total: (row: JobFigures) => row.total_ms,
  runs: (row: JobFigures) => row.runs,
  failed: (row: JobFigures) => ratio(row.failed, row.runs) ?? 0,
  wait: (row: JobFigures) => row.wait_ms.p95 ?? 0,
  run: (row: JobFigures) => row.run_ms.p95 ?? 0,
} as const;

type Order = keyof typeof ORDERS;
const ORDER_NAMES = Object.keys(ORDERS) as Order[];

/** How long each kind of job waits and runs, and how it went over time. */
export function JobFiguresPage() {
  const { t } = useI18n();
  const [params, setParams] = useSearchParams();
  const window = WINDOWS.find((one) => one === params.get("window")) ?? "24h";
  const name = params.get("name") ?? "";
  const order = ORDER_NAMES.find((one) => one === params.get("sort")) ?? "total";
  const query = useQuery(figuresQuery(window));

  function put(key: string, value: string) {
    setParams((before) => {
      const next = new URLSearchParams(before);
      if (value) next.set(key, value);
      else next.delete(key);
      return next;
    });
  }

  return (
    <Page title={t("tasks_nav.jobs")} subtitle={t("figures.subtitle")} fullWidth>
      <BlockStack gap="400">
        <TasksNav />
        <Box paddingInline={{ xs: "200", md: "0" }}>
          <InlineStack align="space-between" blockAlign="center" gap="200">
            <StateTabs
              label={t("figures.window")}
              param="window"
              tabs={WINDOWS.map((value) => ({
                value: value === "24h" ? "" : value,
                label: t(`figures.window.${value}`),
              }))}
            />
            <Select
              label={t("figures.sort")}
              labelInline
              options={ORDER_NAMES.map((value) => ({ value, label: t(`figures.sort.${value}`) }))}
              value={order}
              onChange={(value) => put("sort", value === "total" ? "" : value)}
            />
          </InlineStack>
        </Box>
        <QueryView
          query={query}
          skeleton={<TableSkeleton rows={10} />}
          isEmpty={(data) => data.jobs.length === 0}
          empty={
            <EmptyState icon={ChartVerticalIcon} title={t("figures.empty.title")}>
              {t("figures.empty.body")}
            </EmptyState>
          }
        >
          {(data) => (
            <>
              <JobCharts
                window={window}
                name={name}
                jobs={data.jobs}
                onChoose={(value) => put("name", value)}
              />
              <FigureTable jobs={[...data.jobs].sort((a, b) => ORDERS[order](b) - ORDERS[order](a))} />
            </>
          )}
        </QueryView>
      </BlockStack>
    </Page>
  );
}

function FigureTable({ jobs }: { jobs: readonly JobFigures[] }) {
  const { t, f } = useI18n();
  const [params] = useSearchParams();
  const span = (ms: number | null) => (ms === null ? "–" : f.duration(ms));
  const times = (kind: "wait" | "run"): Column<JobFigures>[] =>
    (["p50", "p95", "p99"] as const).map((point) => ({
      key: `${kind}_${point}`,
      header: t(`figures.column.${kind}`, { point: point.slice(1) }),
      numeric: true,
      wideOnly: point === "p99",
      cell: (row: JobFigures) => span(row[`${kind}_ms`][point]),
    }));
  const columns: Column<JobFigures>[] = [
    { key: "job", header: t("figures.column.job"), cell: (row) => jobTitle(t, row) },
    { key: "queue", header: t("task.queue"), wideOnly: true, cell: (row) => row.queue },
    { key: "runs", header: t("figures.column.runs"), numeric: true, cell: (row) => f.number(row.runs) },
    {
      key: "failed",
      header: t("figures.column.failed"),
      numeric: true,
      cell: (row) => (row.failed === 0 ? "–" : f.percent(row.failed / row.runs, 1)),
    },
    ...times("wait"),
    ...times("run"),
    { key: "total", header: t("figures.column.total"), numeric: true, cell: (row) => span(row.total_ms) },
  ];
  const hrefFor = (row: JobFigures) => {
    const next = new URLSearchParams(params);
    next.set("name", row.name);
    return `/tasks/figures?${next.toString()}`;
  };
  return (
    <TableCard title={t("figures.table")}>
      <DataTable
        caption={t("figures.table")}
        columns={columns}
        rows={jobs}
        rowKey={(row) => row.name}
        rowHref={hrefFor}
      />
    </TableCard>
  );
}
