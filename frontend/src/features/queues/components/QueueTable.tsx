import { Badge, InlineStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Sparkline } from "@/components/charts/Sparkline";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { Meter } from "@/components/Meter";
import { RowMenu } from "@/components/RowMenu";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import { useActor } from "@/lib/useActor";
import { useToast } from "@/lib/useToast";
import { deploysQuery, type QueueRow, useResumeQueue } from "../api";
import { troubleOf } from "../state";
import { LimitModal } from "./LimitModal";
import { LimitWords } from "./LimitWords";
import { PauseModal } from "./PauseModal";
import styles from "./QueueTable.module.css";

export function QueueTable({ queues }: { queues: readonly QueueRow[] }) {
  const { t, f } = useI18n();
  const toast = useToast();
  const actor = useActor();
  const deploys = useQuery(deploysQuery).data ?? [];
  const resume = useResumeQueue();
  const [open, setOpen] = useState<{ what: "pause" | "limits"; name: string } | null>(null);
  const chosen = queues.find((queue) => queue.name === open?.name);
  const title = (queue: QueueRow) => t.code("queue", queue.name);

  const columns: Column<QueueRow>[] = [
    {
      key: "name",
      header: t("queues.name"),
      cell: (queue) => (
        <div className={styles.name}>
          <InlineStack gap="200" blockAlign="center">
            <span>{title(queue)}</span>
            {queue.paused && <Badge tone="warning">{t("status.paused")}</Badge>}
          </InlineStack>
          <span className={styles.small}>
            {queue.paused && queue.paused_by
              ? t("actor.by", { who: actor(queue.paused_by, "by") })
              : queue.name}
          </span>
          {queue.limits && (
            <span className={styles.small}>
              <LimitWords limit={queue.limits} />
            </span>
          )}
        </div>
      ),
    },
    {
      key: "depth",
      header: t("queues.depth"),
      numeric: true,
      cell: (queue) => (
        <div className={styles.stack}>
          <strong>{f.number(queue.depth)}</strong>
          {queue.scheduled > 0 && (
            <span className={styles.small}>{t("queue_page.scheduled", { number: queue.scheduled })}</span>
          )}
        </div>
      ),
    },
    {
      key: "wait",
      header: t("queue_page.wait"),
      numeric: true,
      cell: (queue) =>
        queue.wait_p95_ms === null && queue.oldest_age_s === null ? (
          "–"
        ) : (
          <div className={styles.stack}>
            <span>{queue.wait_p95_ms === null ? "–" : f.duration(queue.wait_p95_ms)}</span>
            {queue.oldest_age_s !== null && (
              <span className={styles.small}>
                {t("queue_page.oldest", { time: f.duration(queue.oldest_age_s * 1000) })}
              </span>
            )}
          </div>
        ),
    },
    {
      key: "flow",
      header: t("queue_page.flow"),
      numeric: true,
      cell: (queue) => (
        <div className={styles.stack}>
          <span>{t("queue_page.in", { rate: f.decimal(queue.in_per_min) })}</span>
          <span>{t("queue_page.out", { rate: f.decimal(queue.out_per_min) })}</span>
        </div>
      ),
    },
    {
      key: "drain",
      header: t("queues.drain"),
      numeric: true,
      cell: (queue) => {
        if (queue.depth === 0) return "–";
        const trouble = troubleOf(queue);
        const text = queue.drain_min === null ? t("queue_page.never") : f.duration(queue.drain_min * 60_000);
        return trouble === "growing" || trouble === "slow" ? (
          <Text as="span" tone="caution" fontWeight="semibold">
            {text}
          </Text>
        ) : (
          text
        );
      },
    },
    { key: "busy", header: t("queue_page.slots"), cell: (queue) => <Slots queue={queue} /> },
    {
      key: "shops",
      header: t("queue_page.shops"),
      long: true,
      cell: (queue) =>
        queue.top_shops.length === 0 ? (
          "–"
        ) : (
          <ul className={styles.shops}>
            {queue.top_shops.slice(0, 3).map((shop) => (
              <li key={shop.shop_domain ?? ""}>
                <span>{shop.shop_domain?.replace(/\.myshopify\.com$/, "") ?? t("queue_page.no_shop")}</span>
                <span>{queue.depth > 0 ? f.percent(shop.depth / queue.depth) : f.number(shop.depth)}</span>
              </li>
            ))}
          </ul>
        ),
    },
    {
      key: "spark",
      header: t("queue_page.hour"),
      long: true,
      cell: (queue) => {
        const done = queue.spark.reduce((sum, point) => sum + point.done, 0);
        const failed = queue.spark.reduce((sum, point) => sum + point.failed, 0);
        return (
          <Sparkline points={queue.spark} deploys={deploys} label={t("queue_page.spark", { done, failed })} />
        );
      },
    },
    {
      key: "actions",
      header: t("queue_page.actions"),
      corner: true,
      cell: (queue) => (
        <RowMenu
          label={t("queue_page.actions_of", { queue: title(queue) })}
          actions={[
            queue.paused
              ? {
                  content: t("queue_page.resume"),
                  onAction: () =>
                    resume.mutate(queue.name, {
                      onSuccess: () => toast(t("queue_page.resumed", { queue: title(queue) })),
                    }),
                }
              : {
                  content: t("queue_page.pause"),
                  onAction: () => setOpen({ what: "pause", name: queue.name }),
                },
            {
              content: t("queue_page.edit_limits"),
              onAction: () => setOpen({ what: "limits", name: queue.name }),
            },
          ]}
        />
      ),
    },
  ];

  return (
    <>
      {resume.error && <ErrorState error={resume.error} title={t("act.refused")} />}
      <TableCard>
        <DataTable
          caption={t("queues.title")}
          columns={columns}
          rows={queues}
          rowKey={(queue) => queue.name}
        />
      </TableCard>
      {chosen && open?.what === "pause" && <PauseModal queue={chosen} onClose={() => setOpen(null)} />}
      {chosen && open?.what === "limits" && (
        <LimitModal
          kind="queue"
          limitKey={chosen.name}
          title={t("queue_page.limits_of", { name: title(chosen) })}
          limit={chosen.limits}
          onClose={() => setOpen(null)}
        />
      )}
    </>
  );
}

function Slots({ queue }: { queue: QueueRow }) {
  const { t } = useI18n();
  if (queue.consumers === 0) {
    return (
      <Text as="span" {...(queue.depth > 0 ? { tone: "critical" as const, fontWeight: "semibold" } : {})}>
        {t("queue_page.no_consumer")}
      </Text>
    );
  }
  const words = t("workers.busy", { busy: queue.busy, slots: queue.slots });
  return (
    <div className={styles.slots}>
      <span>{words}</span>
      <Meter
        share={queue.slots > 0 ? queue.busy / queue.slots : 0}
        label={t("queue_page.utilisation", { queue: t.code("queue", queue.name) })}
        tone={queue.busy >= queue.slots && queue.depth > 0 ? "warn" : "calm"}
      />
      <span className={styles.small}>{t("queue_page.consumers", { count: queue.consumers })}</span>
    </div>
  );
}
