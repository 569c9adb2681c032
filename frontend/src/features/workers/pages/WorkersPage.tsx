import { BlockStack, Box, Text } from "@shopify/polaris";
import { DesktopIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { Stat, StatRow } from "@/components/Stat";
import { TasksNav } from "@/features/tasks/components/TasksNav";
import { useI18n } from "@/i18n/useI18n";
import { useIsOperator } from "@/lib/useSession";
import { type Workers, workersQuery } from "../api";
import { CircuitsCard } from "../components/CircuitsCard";
import { PlainWorkers } from "../components/PlainWorkers";
import { ProcessList } from "../components/ProcessList";

/** Who does the work, and whether all of them are well. Operators steer; a shop's people are told how it stands. */
export function WorkersPage() {
  const { t } = useI18n();
  const query = useQuery(workersQuery);
  const isOperator = useIsOperator();
  return (
    <Page title={t("nav.workers")} subtitle={t("workers.subtitle")} fullWidth={isOperator}>
      <BlockStack gap="400">
        <TasksNav />
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
          {(data) => (
            <BlockStack gap="400">
              <Finding workers={data} />
              {isOperator ? <Console workers={data} /> : <PlainWorkers workers={data} />}
            </BlockStack>
          )}
        </QueryView>
      </BlockStack>
    </Page>
  );
}

function Finding({ workers: { processes } }: { workers: Workers }) {
  const { t } = useI18n();
  const count = (state: string) => processes.filter((process) => process.state === state).length;
  const [lost, late] = [count("lost"), count("late")];
  const isOperator = useIsOperator();
  const sentence = !isOperator
    ? t(lost + late > 0 ? "fleet.plain.some" : "fleet.plain.all")
    : lost > 0
      ? t("workers.lost", { count: lost })
      : late > 0
        ? t("workers.late", { count: late })
        : t("workers.well", { count: processes.length });
  return (
    <div aria-live="polite">
      <Box paddingInline={{ xs: "400", sm: "0" }}>
        <Text as="h2" variant="headingLg" tone={lost > 0 ? "critical" : late > 0 ? "caution" : undefined}>
          {sentence}
        </Text>
      </Box>
    </div>
  );
}

function Console({ workers }: { workers: Workers }) {
  const { t, f } = useI18n();
  const { processes } = workers;
  const sum = (of: (process: (typeof processes)[number]) => number) =>
    processes.reduce((total, process) => total + of(process), 0);
  const [busy, slots] = [sum((process) => process.busy), sum((process) => process.slots)];
  const outdated = processes.filter((process) => process.outdated).length;
  return (
    <BlockStack gap="400">
      <StatRow count={5}>
        <Stat
          label={t("workers.processes")}
          value={f.number(processes.length)}
          detail={
            outdated > 0
              ? t("fleet.outdated_count", { count: outdated })
              : t("fleet.same_version", { version: workers.newest_version ?? "–" })
          }
        />
        <Stat
          label={t("workers.slots")}
          value={t("workers.busy", { busy, slots })}
          detail={t("workers.slots_detail")}
        />
        <Stat
          label={t("fleet.rate")}
          value={f.decimal(sum((process) => process.done_per_min))}
          detail={t("fleet.rate_detail")}
        />
        <Stat
          label={t("workers.memory")}
          value={t("workers.mib", { size: Math.round(sum((process) => process.rss_mib)) })}
        />
        <Stat
          label={t("fleet.dropped")}
          value={f.number(sum((process) => process.dropped))}
          detail={t("fleet.dropped_detail")}
        />
      </StatRow>
      <ProcessList processes={processes} newest={workers.newest_version} />
      <CircuitsCard />
    </BlockStack>
  );
}
