import { BlockStack, Button, Card, InlineStack } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { ErrorState } from "@/components/ErrorState";
import { Facts } from "@/components/Facts";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { latestSyncQuery } from "../api";

/** The newest synchronisation in three lines, and the way to all of them. */
export function SyncCard() {
  const { t, f } = useI18n();
  const query = useQuery(latestSyncQuery);
  const run = query.data;
  const sum = (field: "rows_done" | "rows_refused") =>
    f.number(run?.resources.reduce((total, one) => total + one[field], 0) ?? 0);
  return (
    <Card>
      <BlockStack gap="400">
        {query.error && (
          <ErrorState error={query.error} retry={() => void query.refetch()} retrying={query.isFetching} />
        )}
        <Facts
          facts={[
            [
              t("store.latest"),
              run ? (
                <InlineStack key="latest" gap="200" blockAlign="center">
                  <TimeAgo at={run.finished_at ?? run.started_at} />
                  <StateBadge state={run.state} />
                </InlineStack>
              ) : (
                "–"
              ),
            ],
            [t("store.rows"), run ? sum("rows_done") : "–"],
            [t("store.refused"), run ? sum("rows_refused") : "–"],
          ]}
        />
        <InlineStack>
          <Button url="/settings/sync">{t("store.open")}</Button>
        </InlineStack>
      </BlockStack>
    </Card>
  );
}
