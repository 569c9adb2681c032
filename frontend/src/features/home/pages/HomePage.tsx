import { BlockStack, Button, InlineGrid } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion, TilesSkeleton } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { Home } from "@/lib/api/types";
import { usePersistentFlag } from "@/lib/usePersistentFlag";
import { homeQuery, isSyncing } from "../api";
import { Checklist } from "../components/Checklist";
import { Earned } from "../components/Earned";
import { GrowthCard } from "../components/GrowthCard";
import { Needs } from "../components/Needs";
import { RecentCampaigns } from "../components/RecentCampaigns";
import { SyncCard } from "../components/SyncCard";
import { Totals } from "../components/Totals";

export function HomePage() {
  const { t } = useI18n();
  const query = useQuery(homeQuery);
  return (
    <Page
      title={t("nav.home")}
      primaryAction={
        <Button variant="primary" url="/campaigns/new">
          {t("campaigns.create")}
        </Button>
      }
    >
      <QueryView query={query} skeleton={<HomeSkeleton />}>
        {(home) => <HomeContent home={home} readAt={query.dataUpdatedAt} />}
      </QueryView>
    </Page>
  );
}

/** Steps of the first run that the checklist already asks for. */
const ASKED_BY_CHECKLIST = ["sender_missing", "pixel_inactive"];

function HomeContent({ home, readAt }: { home: Home; readAt: number }) {
  const [checklistHidden, hideChecklist] = usePersistentFlag("storecast-checklist-hidden");
  const hasChecklist = !checklistHidden && home.checklist.some((item) => !item.done);
  const needs = hasChecklist
    ? home.needs.filter((need) => !ASKED_BY_CHECKLIST.includes(need.code))
    : home.needs;
  // Right after the install nothing has been read and the first sync is about to begin.
  const syncing = home.sync === null || isSyncing(home.sync);
  const syncCard = <SyncCard sync={home.sync ?? null} readAt={readAt} />;
  return (
    <BlockStack gap="400">
      <Needs needs={needs} />
      {syncing && syncCard}
      <Earned earned={home.earned} syncing={syncing} />
      {hasChecklist && <Checklist items={home.checklist} hide={() => hideChecklist(true)} />}
      <Totals totals={home.totals} />
      <RecentCampaigns campaigns={home.recent_campaigns} />
      <InlineGrid columns={{ xs: 1, md: ["twoThirds", "oneThird"] }} gap="400" alignItems="start">
        <GrowthCard growth={home.growth} />
        {!syncing && syncCard}
      </InlineGrid>
    </BlockStack>
  );
}

function HomeSkeleton() {
  return (
    <LoadingRegion>
      <BlockStack gap="400">
        <CardSkeleton lines={2} />
        <TilesSkeleton count={5} />
        <CardSkeleton lines={5} />
      </BlockStack>
    </LoadingRegion>
  );
}
