import { BlockStack, Box, Button, Card, Text } from "@shopify/polaris";
import { ClockIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { ActModal } from "@/components/ActModal";
import { EmptyState } from "@/components/EmptyState";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateTabs } from "@/components/StateTabs";
import { TasksNav } from "@/features/tasks/components/TasksNav";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import { useToast } from "@/lib/useToast";
import { type Schedule, schedulesQuery, useDeleteSchedule, useScheduleAction } from "../api";
import { ScheduleItem, scheduleTitle } from "../components/ScheduleItem";
import styles from "../components/ScheduleItem.module.css";
import { outcomeOf } from "../outcome";

const FILTERS = {
  "": () => true,
  trouble: (one: Schedule) =>
    one.missed > 0 || (one.last_results[0] !== undefined && outcomeOf(latest(one)) === "dead"),
  paused: (one: Schedule) => one.paused_at !== null,
  user: (one: Schedule) => one.source === "user",
} satisfies Record<string, (one: Schedule) => boolean>;

function latest({ last_results }: Schedule) {
  return [...last_results].sort(
    (a, b) => Date.parse(b.due_at) - Date.parse(a.due_at),
  )[0] as Schedule["last_results"][number];
}

/** What starts by the clock: the program's own schedules beside those that people made. */
export function SchedulesPage() {
  const { t } = useI18n();
  const query = useQuery(schedulesQuery);
  const mayOperate = useMay("operate");
  return (
    <Page
      title={t("schedules.title")}
      subtitle={t("schedules.subtitle")}
      fullWidth
      {...(mayOperate ? { primaryAction: { content: t("schedules.new"), url: "/tasks/schedules/new" } } : {})}
    >
      <BlockStack gap="400">
        <TasksNav />
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={(schedules) => schedules.length === 0}
          empty={
            <EmptyState
              icon={ClockIcon}
              title={t("schedules.empty.title")}
              action={
                mayOperate && (
                  <Button url="/tasks/schedules/new" variant="primary">
                    {t("schedules.new")}
                  </Button>
                )
              }
            >
              {t("schedules.empty.body")}
            </EmptyState>
          }
        >
          {(schedules) => <Schedules schedules={schedules} />}
        </QueryView>
      </BlockStack>
    </Page>
  );
}

function Schedules({ schedules }: { schedules: readonly Schedule[] }) {
  const { t } = useI18n();
  const [params] = useSearchParams();
  const navigate = useNavigate();
  const toast = useToast();
  const act = useScheduleAction();
  const remove = useDeleteSchedule();
  const [doomed, setDoomed] = useState<Schedule | null>(null);
  const show = (params.get("show") ?? "") as keyof typeof FILTERS;
  const filter = FILTERS[show] ?? FILTERS[""];
  const rows = schedules.filter(filter).sort((a, b) => b.missed - a.missed);
  const missed = schedules.filter((one) => one.missed > 0).length;
  const paused = schedules.filter(FILTERS.paused).length;
  const sentence =
    missed > 0
      ? t("schedules.finding.missed", { count: missed })
      : paused > 0
        ? t("schedules.finding.paused", { count: paused })
        : t("schedules.finding.well", { count: schedules.length });
  return (
    <BlockStack gap="400">
      <Box paddingInline={{ xs: "400", sm: "0" }}>
        <Text as="h2" variant="headingLg" {...(missed > 0 ? { tone: "critical" as const } : {})}>
          {sentence}
        </Text>
      </Box>
      <StateTabs
        label={t("schedules.filter")}
        param="show"
        tabs={(["", "trouble", "paused", "user"] as const).map((value) => ({
          value,
          label: t(`schedules.show.${value || "all"}`),
          count: schedules.filter(FILTERS[value]).length,
        }))}
      />
      {act.error && <ErrorState error={act.error} title={t("act.refused")} />}
      <Card padding="0">
        {rows.length === 0 ? (
          <Box padding="400">
            <Text as="p" tone="subdued">
              {t("schedules.none_shown")}
            </Text>
          </Box>
        ) : (
          <ul className={styles.list} aria-label={t("schedules.title")}>
            {rows.map((schedule) => (
              <ScheduleItem
                key={schedule.id}
                schedule={schedule}
                onAct={(action) =>
                  act.mutate(
                    { id: schedule.id, action },
                    { onSuccess: () => toast(t(`schedules.did.${action}`)) },
                  )
                }
                onEdit={() => void navigate(`/tasks/schedules/${schedule.id}`)}
                onDelete={() => setDoomed(schedule)}
              />
            ))}
          </ul>
        )}
      </Card>
      {doomed && (
        <ActModal
          title={t("schedules.delete_title", { title: scheduleTitle(doomed, t.code) })}
          consequence={t("schedules.delete_body")}
          action={t("schedules.delete")}
          destructive
          error={remove.error}
          isPending={remove.isPending}
          onAct={() => remove.mutate(doomed.id, { onSuccess: () => setDoomed(null) })}
          onClose={() => setDoomed(null)}
        />
      )}
    </BlockStack>
  );
}
