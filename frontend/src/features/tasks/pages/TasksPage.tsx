import { BlockStack, Button } from "@shopify/polaris";
import { ClipboardChecklistIcon } from "@shopify/polaris-icons";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion, TableSkeleton } from "@/components/Skeletons";
import { StateTabs } from "@/components/StateTabs";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import { runsQuery, summaryQuery } from "../api";
import { Queues } from "../components/Queues";
import { RunTable } from "../components/RunTable";
import { Summary } from "../components/Summary";

const STATES = ["running", "queued", "retrying", "dead", "succeeded", "cancelled"] as const;

export function TasksPage() {
  const { t } = useI18n();
  const [params] = useSearchParams();
  const state = STATES.find((one) => one === params.get("state")) ?? "";
  const summary = useQuery(summaryQuery);
  const runs = useInfiniteQuery(runsQuery(state, params.get("name") ?? ""));
  const states = summary.data?.states;
  const counts: Partial<Record<(typeof STATES)[number], number>> = states
    ? { running: states.running, queued: states.queued, retrying: states.retrying, dead: states.dead }
    : {};

  return (
    <Page
      title={t("nav.tasks")}
      subtitle={t("tasks.subtitle")}
      {...(states && states.dead > 0
        ? { documentTitle: t("tasks.document_title", { count: states.dead }) }
        : {})}
    >
      <BlockStack gap="400">
        <QueryView
          query={summary}
          skeleton={
            <LoadingRegion>
              <CardSkeleton lines={2} />
            </LoadingRegion>
          }
        >
          {(data) => (
            <>
              <Summary summary={data} />
              <Queues queues={data.queues} />
            </>
          )}
        </QueryView>
        <StateTabs
          label={t("tasks.filter")}
          param="state"
          tabs={[
            { value: "", label: t("tasks.all") },
            ...STATES.map((value) => {
              const count = counts[value];
              return { value, label: t(`status.${value}`), ...(count === undefined ? {} : { count }) };
            }),
          ]}
        />
        <QueryView
          query={runs}
          skeleton={<TableSkeleton />}
          isEmpty={(data) => data.pages[0]?.items.length === 0}
          empty={
            <EmptyState
              icon={ClipboardChecklistIcon}
              title={state ? t("tasks.none_in_state") : t("tasks.empty.title")}
              action={state ? <Button url="/tasks">{t("tasks.show_all")}</Button> : undefined}
            >
              {state ? t("tasks.none_in_state_body") : t("tasks.empty.body")}
            </EmptyState>
          }
        >
          {(data) => (
            <TableCard
              loadMore={runs.hasNextPage ? () => void runs.fetchNextPage() : undefined}
              loadingMore={runs.isFetchingNextPage}
            >
              <RunTable runs={data.pages.flatMap((page) => page.items)} />
            </TableCard>
          )}
        </QueryView>
      </BlockStack>
    </Page>
  );
}
