import { BlockStack, Box, Button, Text } from "@shopify/polaris";
import { NotificationIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { TasksNav } from "@/features/tasks/components/TasksNav";
import { useI18n } from "@/i18n/useI18n";
import { useIsOperator, useMay } from "@/lib/useSession";
import { type AlertRule, channelsQuery, metricsQuery, rulesQuery } from "../api";
import { ChannelsCard } from "../components/ChannelsCard";
import { EventsCard } from "../components/EventsCard";
import { RuleModal } from "../components/RuleModal";
import { RuleTable } from "../components/RuleTable";

/** What somebody is told of when it goes wrong, and where. */
export function AlertsPage() {
  const { t } = useI18n();
  const isOperator = useIsOperator();
  const mayOperate = useMay("operate");
  const rules = useQuery(rulesQuery);
  const metrics = useQuery(metricsQuery);
  const channels = useQuery(channelsQuery);
  const [edited, setEdited] = useState<AlertRule | "new" | null>(null);
  const mayAdd = mayOperate && metrics.data !== undefined && channels.data !== undefined;
  return (
    <Page
      title={t("alerts.title")}
      subtitle={t(isOperator ? "alerts.subtitle" : "alerts.subtitle_shop")}
      fullWidth={isOperator}
      {...(mayOperate
        ? {
            primaryAction: {
              content: t("alerts.new"),
              disabled: !mayAdd,
              onAction: () => setEdited("new"),
            },
          }
        : {})}
    >
      <BlockStack gap="400">
        <TasksNav />
        <QueryView
          query={rules}
          skeleton={<TableSkeleton />}
          isEmpty={(data) => data.length === 0}
          empty={
            <EmptyState
              icon={NotificationIcon}
              title={t("alerts.empty.title")}
              action={
                mayAdd && (
                  <Button variant="primary" onClick={() => setEdited("new")}>
                    {t("alerts.new")}
                  </Button>
                )
              }
            >
              {t("alerts.empty.body")}
            </EmptyState>
          }
        >
          {(data) => (
            <BlockStack gap="400">
              <Finding rules={data} />
              <RuleTable rules={data} onEdit={setEdited} />
            </BlockStack>
          )}
        </QueryView>
        <ChannelsCard />
        <EventsCard />
      </BlockStack>
      {edited && metrics.data && channels.data && (
        <RuleModal
          rule={edited === "new" ? null : edited}
          metrics={metrics.data}
          channels={channels.data}
          onClose={() => setEdited(null)}
        />
      )}
    </Page>
  );
}

function Finding({ rules }: { rules: readonly AlertRule[] }) {
  const { t } = useI18n();
  const firing = rules.filter((rule) => rule.enabled && rule.state === "firing").length;
  const watching = rules.filter((rule) => rule.enabled).length;
  return (
    <div aria-live="polite">
      <Box paddingInline={{ xs: "400", sm: "0" }}>
        <Text as="h2" variant="headingLg" {...(firing > 0 ? { tone: "critical" as const } : {})}>
          {firing > 0 ? t("alerts.firing", { count: firing }) : t("alerts.quiet", { count: watching })}
        </Text>
      </Box>
    </div>
  );
}
