import { BlockStack, Button, InlineGrid, InlineStack } from "@shopify/polaris";
import { ChartVerticalIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion, TilesSkeleton } from "@/components/Skeletons";
import { StateTabs } from "@/components/StateTabs";
import { useI18n } from "@/i18n/useI18n";
import type { Overview } from "@/lib/api/types";
import { overviewQuery } from "../api";
import { ByCampaign } from "../components/ByCampaign";
import { Finding } from "../components/Finding";
import { RevenueChart } from "../components/RevenueChart";
import { SessionFunnel } from "../components/SessionFunnel";

const PERIODS = [7, 30, 90, 365] as const;
const DEFAULT_DAYS = 30;

export function AnalyticsPage() {
  const { t } = useI18n();
  const [params] = useSearchParams();
  const asked = Number(params.get("days"));
  const days = PERIODS.find((period) => period === asked) ?? DEFAULT_DAYS;
  const query = useQuery(overviewQuery(days));
  return (
    <Page title={t("nav.analytics")}>
      <BlockStack gap="400">
        <InlineStack>
          <StateTabs
            label={t("analytics.period")}
            param="days"
            tabs={PERIODS.map((period) => ({
              value: period === DEFAULT_DAYS ? "" : String(period),
              label: t("analytics.days", { count: period }),
            }))}
          />
        </InlineStack>
        <QueryView
          query={query}
          skeleton={<AnalyticsSkeleton />}
          isEmpty={(overview) => overview.orders === 0 && overview.funnel.every((one) => one.sessions === 0)}
          empty={
            <EmptyState
              icon={ChartVerticalIcon}
              title={t("analytics.empty.title")}
              action={<Button url="/settings#pixel">{t("analytics.empty.action")}</Button>}
            >
              {t("analytics.empty.body")}
            </EmptyState>
          }
        >
          {(overview) => <AnalyticsContent overview={overview} days={days} />}
        </QueryView>
      </BlockStack>
    </Page>
  );
}

function AnalyticsContent({ overview, days }: { overview: Overview; days: number }) {
  return (
    <BlockStack gap="400">
      <Finding overview={overview} days={days} />
      <RevenueChart overview={overview} days={days} />
      <InlineGrid columns={{ xs: 1, lg: 2 }} gap="400" alignItems="start">
        <SessionFunnel overview={overview} />
        <ByCampaign overview={overview} />
      </InlineGrid>
    </BlockStack>
  );
}

function AnalyticsSkeleton() {
  return (
    <LoadingRegion>
      <BlockStack gap="400">
        <CardSkeleton lines={2} />
        <TilesSkeleton count={4} />
        <CardSkeleton lines={10} />
      </BlockStack>
    </LoadingRegion>
  );
}
