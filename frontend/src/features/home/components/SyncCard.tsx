import { BlockStack, Button, Card, InlineStack, List, Select, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { Progress } from "@/components/Progress";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { SyncRun } from "@/lib/api/types";
import { useRate } from "@/lib/useRate";
import { isSyncing, reconciliationsQuery, type SyncMode, useStartSync } from "../api";

/** Where the store's data stands: live while it is read, one line and a button after. */
export function SyncCard({ sync, readAt }: { sync: SyncRun | null; readAt: number }) {
  const { t } = useI18n();
  const start = useStartSync();
  const [mode, setMode] = useState<SyncMode>("bulk");
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
        {sync && <Left sync={sync} />}
        {!running && (
          <InlineStack gap="300" blockAlign="end">
            <Select
              label={t("sync.mode")}
              options={[
                { label: t("sync.mode.bulk"), value: "bulk" },
                { label: t("sync.mode.paginated"), value: "paginated" },
              ]}
              value={mode}
              onChange={(value) => setMode(value as SyncMode)}
            />
            <Button onClick={() => start.mutate(mode)} loading={start.isPending}>
              {sync?.state === "failed" ? t("sync.again") : t("sync.start")}
            </Button>
          </InlineStack>
        )}
        <LastReconciliation />
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
  const rows = sync.resources
    .filter((one) => one.state !== "skipped")
    .map((one) => t.code("sync.resource_word", one.resource, { count: one.rows_done }));
  return (
    <BlockStack gap="100">
      <Text as="p">
        {t("sync.done")} <TimeAgo at={sync.finished_at} />
      </Text>
      <Text as="p" tone="subdued" variant="bodySm">
        {rows.join(" · ")}
      </Text>
    </BlockStack>
  );
}

/** What was left out, and why: rows that could not be read by reason, kinds of data that the app may not read. */
function Left({ sync }: { sync: SyncRun }) {
  const { t } = useI18n();
  const refused = sync.resources.reduce((sum, one) => sum + one.rows_refused, 0);
  const skipped = sync.resources.filter((one) => one.state === "skipped");
  if (refused === 0 && skipped.length === 0) return null;
  return (
    <BlockStack gap="100">
      {refused > 0 && (
        <Text as="p" tone="caution" variant="bodySm">
          {t("sync.refused", { count: refused })}
        </Text>
      )}
      <List>
        {sync.resources.flatMap((one) =>
          (one.refused_by_reason ?? []).map((found) => (
            <List.Item key={`${one.resource}:${found.reason}`}>
              {t("sync.refused_reason", {
                resource: t.code("sync.resource", one.resource),
                count: found.count,
                reason: found.reason,
              })}
            </List.Item>
          )),
        )}
        {skipped.map((one) => (
          <List.Item key={one.resource}>
            {t("sync.skipped", {
              resource: t.code("sync.resource", one.resource),
              reason: one.skipped_reason ?? "",
            })}
          </List.Item>
        ))}
      </List>
    </BlockStack>
  );
}

/** One line on the newest night in which the data was held against Shopify's. */
function LastReconciliation() {
  const { t } = useI18n();
  const found = useQuery(reconciliationsQuery).data?.items.filter((one) => one.finished_at) ?? [];
  const newest = found[0];
  if (newest === undefined) return null;
  const seen = new Set<string>();
  const night = found.filter((one) => !seen.has(one.resource) && seen.add(one.resource));
  const differed = night.reduce((sum, one) => sum + one.missing + one.stale + one.surplus, 0);
  const repaired = night.reduce((sum, one) => sum + one.repaired, 0);
  const failed = night.filter((one) => one.state === "failed");
  return (
    <BlockStack gap="100">
      <Text as="p" variant="bodySm" tone="subdued">
        {t("sync.compared")} <TimeAgo at={newest.finished_at} />
        {": "}
        {differed === 0
          ? t("sync.compared_equal")
          : t("sync.compared_repaired", { count: differed, repaired })}
      </Text>
      {failed.map((one) => (
        <Text key={one.resource} as="p" variant="bodySm" tone="critical">
          {t("sync.skipped", { resource: t.code("sync.resource", one.resource), reason: one.error ?? "" })}
        </Text>
      ))}
    </BlockStack>
  );
}
