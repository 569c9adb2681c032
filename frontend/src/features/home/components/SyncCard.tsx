import { BlockStack, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { ErrorState } from "@/components/ErrorState";
import { Progress } from "@/components/Progress";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { SyncRun } from "@/lib/api/types";
import { useRate } from "@/lib/useRate";
import { isSyncing, useStartSync } from "../api";

/** Where the store's data stands: live while it is read, one line and a button after. */
export function SyncCard({ sync, readAt }: { sync: SyncRun | null; readAt: number }) {
  const { t } = useI18n();
  const start = useStartSync();
  const running = isSyncing(sync);

  return (
    <Card>
      <BlockStack gap="400">
        <InlineStack align="space-between" blockAlign="center">
          <Text as="h2" variant="headingMd">
            {t("sync.title")}
          </Text>
          {sync && <StateBadge state={sync.state} />}
        </InlineStack>
        {start.error && <ErrorState error={start.error} title={t("sync.start_failed")} />}
        {sync === null && (
          <Text as="p" tone="subdued">
            {t("sync.none")}
          </Text>
        )}
        {sync?.state === "failed" && (
          <Text as="p" tone="critical">
            {t("sync.failed", { error: sync.error ?? t("sync.unknown_error") })}
          </Text>
        )}
        {sync && sync.state !== "done" && (
          <BlockStack gap="300">
            {sync.resources.map((resource) => (
              <ResourceProgress key={resource.resource} resource={resource} readAt={readAt} />
            ))}
          </BlockStack>
        )}
        {running && (
          <Text as="p" variant="bodySm" tone="subdued">
            {t("sync.leave")}
          </Text>
        )}
        {sync?.state === "done" && <SyncDone sync={sync} />}
        {!running && (
          <InlineStack>
            <Button onClick={() => start.mutate()} loading={start.isPending}>
              {sync?.state === "failed" ? t("sync.again") : t("sync.start")}
            </Button>
          </InlineStack>
        )}
      </BlockStack>
    </Card>
  );
}

const READ_STATES = ["importing", "done", "failed", "cancelled"];

function ResourceProgress({ resource, readAt }: { resource: SyncRun["resources"][number]; readAt: number }) {
  const { t } = useI18n();
  const rate = useRate(resource.rows_done, readAt);
  const label = t.code("sync.resource", resource.resource);
  // While Shopify writes its export, `objects_expected` is how many it has written so far, not how many there are.
  if (!READ_STATES.includes(resource.state)) {
    const found = resource.objects_expected ?? 0;
    return <Progress label={label} done={found} total={null} text={t("sync.exporting", { count: found })} />;
  }
  return (
    <Progress
      label={label}
      done={resource.rows_done}
      total={resource.objects_expected ?? null}
      rate={resource.state === "done" ? null : rate}
      tone={resource.state === "failed" ? "failed" : "running"}
    />
  );
}

function SyncDone({ sync }: { sync: SyncRun }) {
  const { t } = useI18n();
  const rows = sync.resources.map((one) =>
    t.code("sync.resource_word", one.resource, { count: one.rows_done }),
  );
  const refused = sync.resources.reduce((sum, one) => sum + one.rows_refused, 0);
  return (
    <BlockStack gap="100">
      <Text as="p">
        {t("sync.done")} <TimeAgo at={sync.finished_at} />
      </Text>
      <Text as="p" tone="subdued" variant="bodySm">
        {rows.join(" · ")}
      </Text>
      {refused > 0 && (
        <Text as="p" tone="caution" variant="bodySm">
          {t("sync.refused", { count: refused })}
        </Text>
      )}
    </BlockStack>
  );
}
