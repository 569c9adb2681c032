import { Badge, BlockStack, Box, Button, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { QueryView } from "@/components/QueryView";
import { RowMenu } from "@/components/RowMenu";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useActor } from "@/lib/useActor";
import { type LimitRow, limitsQuery, useResumeJob } from "../api";
import { LimitModal } from "./LimitModal";
import { LimitWords } from "./LimitWords";
import { PauseJobModal } from "./PauseModal";

/** Limits on kinds of jobs and on single shops; those of queues stand in the table of queues. */
export function LimitsCard() {
  const { t } = useI18n();
  const actor = useActor();
  const query = useQuery(limitsQuery);
  const resume = useResumeJob();
  const [paused, setPaused] = useState<LimitRow | null>(null);
  const [edited, setEdited] = useState<LimitRow | "new" | null>(null);

  const title = (row: LimitRow) => (row.kind === "job" ? t.code("jobs", row.key) : row.key);
  const columns: Column<LimitRow>[] = [
    {
      key: "key",
      header: t("limits.what"),
      cell: (row) => (
        <BlockStack>
          <span>{title(row)}</span>
          <Text as="span" variant="bodySm" tone="subdued">
            {t.code("limits.kind", row.kind)} · {row.key}
          </Text>
        </BlockStack>
      ),
    },
    { key: "limit", header: t("limits.limit"), long: true, cell: (row) => <LimitWords limit={row} /> },
    {
      key: "paused",
      header: t("limits.state"),
      cell: (row) =>
        row.paused_at ? (
          <BlockStack gap="050">
            <span>
              <Badge tone="warning">{t("status.paused")}</Badge>
            </span>
            <Text as="span" variant="bodySm" tone="subdued">
              {actor(row.paused_by)} · <TimeAgo at={row.paused_at} />
            </Text>
          </BlockStack>
        ) : (
          "–"
        ),
    },
    {
      key: "actions",
      header: t("queue_page.actions"),
      corner: true,
      cell: (row) => (
        <RowMenu
          label={t("queue_page.actions_of", { queue: title(row) })}
          actions={[
            { content: t("limits.edit"), onAction: () => setEdited(row) },
            ...(row.kind === "job"
              ? [
                  {
                    content: row.paused_at ? t("limits.resume_job") : t("limits.pause_job"),
                    onAction: () => (row.paused_at ? resume.mutate(row.key) : setPaused(row)),
                  },
                ]
              : []),
          ]}
        />
      ),
    },
  ];

  return (
    <>
      {resume.error && <ErrorState error={resume.error} title={t("act.refused")} />}
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={2} />
          </LoadingRegion>
        }
      >
        {(limits) => {
          const rows = limits.filter((row) => row.kind !== "queue");
          return (
            <TableCard
              title={t("limits.title")}
              actions={<Button onClick={() => setEdited("new")}>{t("limits.add")}</Button>}
            >
              {rows.length === 0 ? (
                <Box padding="400" paddingBlockStart="0">
                  <Text as="p" tone="subdued">
                    {t("limits.empty")}
                  </Text>
                </Box>
              ) : (
                <DataTable
                  caption={t("limits.title")}
                  columns={columns}
                  rows={rows}
                  rowKey={(row) => `${row.kind}:${row.key}`}
                />
              )}
            </TableCard>
          );
        }}
      </QueryView>
      {paused && <PauseJobModal name={paused.key} onClose={() => setPaused(null)} />}
      {edited === "new" && (
        <LimitModal kind="job" title={t("limits.add")} limit={null} onClose={() => setEdited(null)} />
      )}
      {edited && edited !== "new" && (
        <LimitModal
          kind={edited.kind}
          limitKey={edited.key}
          title={t("queue_page.limits_of", { name: title(edited) })}
          limit={edited}
          onClose={() => setEdited(null)}
        />
      )}
    </>
  );
}
