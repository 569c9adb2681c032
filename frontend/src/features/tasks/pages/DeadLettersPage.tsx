import { BlockStack, Box, Button, TextField } from "@shopify/polaris";
import { CheckCircleIcon } from "@shopify/polaris-icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { DeadGroup } from "@/lib/api/jobTypes";
import { useSearchInAddress } from "@/lib/useSearchInAddress";
import { ErrorName } from "../components/ErrorName";
import { TasksNav } from "../components/TasksNav";
import { deadLettersQuery } from "../deadLettersApi";
import { jobTitle } from "../words";

/** What gave up, grouped by what went wrong: one cause is looked at once, however many runs it took down. */
export function DeadLettersPage() {
  const { t, f } = useI18n();
  const { q, text, setText } = useSearchInAddress();
  const query = useInfiniteQuery(deadLettersQuery(q));

  const columns: Column<DeadGroup>[] = [
    {
      key: "error",
      header: t("dead.column.error"),
      cell: (group) => <ErrorName errorClass={group.error_class} message={group.message} />,
    },
    { key: "job", header: t("dead.column.job"), cell: (group) => jobTitle(t, group) },
    {
      key: "count",
      header: t("dead.column.count"),
      numeric: true,
      cell: (group) => f.number(group.count),
    },
    {
      key: "shops",
      header: t("dead.column.shops"),
      numeric: true,
      cell: (group) => f.number(group.shops),
    },
    {
      key: "first",
      header: t("dead.column.first"),
      wideOnly: true,
      cell: (group) => <TimeAgo at={group.first_at} />,
    },
    { key: "last", header: t("dead.column.last"), cell: (group) => <TimeAgo at={group.last_at} /> },
    {
      key: "notes",
      header: t("dead.column.notes"),
      numeric: true,
      cell: (group) => (group.notes > 0 ? f.number(group.notes) : "–"),
    },
  ];
  return (
    <Page title={t("tasks_nav.dead_letters")} subtitle={t("dead.subtitle")} fullWidth>
      <BlockStack gap="400">
        <TasksNav />
        <Box paddingInline={{ xs: "200", md: "0" }}>
          <TextField
            label={t("dead.search")}
            labelHidden
            type="search"
            placeholder={t("dead.search_hint")}
            value={text}
            onChange={setText}
            clearButton
            onClearButtonClick={() => setText("")}
            autoComplete="off"
          />
        </Box>
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={(data) => data.pages[0]?.items.length === 0}
          empty={
            <EmptyState
              icon={CheckCircleIcon}
              title={t(q ? "dead.none.title" : "dead.empty.title")}
              action={
                q ? (
                  <Button onClick={() => setText("")}>{t("dead.show_all")}</Button>
                ) : (
                  <Button url="/tasks">{t("runs.show_all")}</Button>
                )
              }
            >
              {t(q ? "dead.none.body" : "dead.empty.body")}
            </EmptyState>
          }
        >
          {(data) => (
            <TableCard
              loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
              loadingMore={query.isFetchingNextPage}
            >
              <DataTable
                caption={t("tasks_nav.dead_letters")}
                columns={columns}
                rows={data.pages.flatMap((page) => page.items)}
                rowKey={(group) => group.fingerprint}
                rowHref={(group) => `/tasks/dead-letters/${group.fingerprint}`}
              />
            </TableCard>
          )}
        </QueryView>
      </BlockStack>
    </Page>
  );
}
