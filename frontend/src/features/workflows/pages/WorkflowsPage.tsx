import { BlockStack, Button, Text } from "@shopify/polaris";
import { AutomationIcon } from "@shopify/polaris-icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { Meter } from "@/components/Meter";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { StateTabs } from "@/components/StateTabs";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { TasksNav } from "@/features/tasks/components/TasksNav";
import { useI18n } from "@/i18n/useI18n";
import { useActor } from "@/lib/useActor";
import { useIsOperator, useMay } from "@/lib/useSession";
import { type WorkflowRow, workflowsQuery } from "../api";

const STATES = ["running", "paused", "failed", "succeeded", "cancelled"] as const;

/** Graphs of tasks, those under way and those that are over. */
export function WorkflowsPage() {
  const { t } = useI18n();
  const [params] = useSearchParams();
  const state = STATES.find((one) => one === params.get("state")) ?? "";
  const query = useInfiniteQuery(workflowsQuery(state));
  const mayOperate = useMay("operate");
  return (
    <Page
      title={t("workflows.title")}
      subtitle={t("workflows.subtitle")}
      fullWidth
      {...(mayOperate ? { primaryAction: { content: t("workflows.new"), url: "/tasks/workflows/new" } } : {})}
    >
      <BlockStack gap="400">
        <TasksNav />
        <StateTabs
          label={t("workflows.filter")}
          param="state"
          tabs={[
            { value: "", label: t("workflows.all") },
            ...STATES.map((value) => ({ value, label: t(`status.${value}`) })),
          ]}
        />
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={(data) => data.pages[0]?.items.length === 0}
          empty={
            <EmptyState
              icon={AutomationIcon}
              title={state ? t("workflows.none_in_state") : t("workflows.empty.title")}
              action={
                state ? (
                  <Button url="/tasks/workflows">{t("workflows.show_all")}</Button>
                ) : (
                  mayOperate && (
                    <Button url="/tasks/workflows/new" variant="primary">
                      {t("workflows.new")}
                    </Button>
                  )
                )
              }
            >
              {state ? t("workflows.none_in_state_body") : t("workflows.empty.body")}
            </EmptyState>
          }
        >
          {(data) => (
            <TableCard
              loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
              loadingMore={query.isFetchingNextPage}
            >
              <WorkflowTable rows={data.pages.flatMap((page) => page.items)} />
            </TableCard>
          )}
        </QueryView>
      </BlockStack>
    </Page>
  );
}

function WorkflowTable({ rows }: { rows: readonly WorkflowRow[] }) {
  const { t, f } = useI18n();
  const isOperator = useIsOperator();
  const actor = useActor();
  const columns: Column<WorkflowRow>[] = [
    {
      key: "name",
      header: t("workflows.column.name"),
      cell: (row) => t.code("workflow", row.name, {}, row.name),
    },
    { key: "state", header: t("workflows.column.state"), cell: (row) => <StateBadge state={row.state} /> },
    {
      key: "progress",
      header: t("workflows.column.progress"),
      long: true,
      cell: (row) => (
        <BlockStack gap="100">
          <span>
            {t("workflows.done_of", { done: row.nodes_done, total: row.nodes_total })}
            {row.nodes_failed > 0 && (
              <Text as="span" tone="critical">
                {" "}
                · {t("workflows.failed_nodes", { count: row.nodes_failed })}
              </Text>
            )}
          </span>
          <Meter
            share={row.nodes_total > 0 ? row.nodes_done / row.nodes_total : 0}
            label={t("workflows.progress_of", { name: row.name })}
            tone={row.nodes_failed > 0 ? "bad" : row.state === "paused" ? "warn" : "calm"}
          />
        </BlockStack>
      ),
    },
    ...(isOperator
      ? [
          {
            key: "shop",
            header: t("workflows.column.shop"),
            cell: (row: WorkflowRow) => row.shop_domain ?? "–",
          },
        ]
      : []),
    {
      key: "took",
      header: t("workflows.column.took"),
      numeric: true,
      cell: (row) =>
        row.finished_at ? f.duration(Date.parse(row.finished_at) - Date.parse(row.created_at)) : "–",
    },
    {
      key: "by",
      header: t("workflows.column.by"),
      wideOnly: true,
      cell: (row) => actor(row.created_by),
    },
    { key: "at", header: t("workflows.column.at"), cell: (row) => <TimeAgo at={row.created_at} /> },
  ];
  return (
    <DataTable
      caption={t("workflows.title")}
      columns={columns}
      rows={rows}
      rowKey={(row) => row.id}
      rowHref={(row) => `/tasks/workflows/${row.id}`}
    />
  );
}
