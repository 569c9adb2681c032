import { BlockStack, Box, Card, Text } from "@shopify/polaris";
import { type Column, DataTable } from "@/components/DataTable";
import { useI18n } from "@/i18n/useI18n";
import type { JobDetail } from "@/lib/api/jobTypes";
import { type AttemptBands, type Band, type BandKind, bandsOf, spanOf } from "../bands";
import styles from "./Timeline.module.css";

const KINDS: readonly BandKind[] = ["waiting", "queued", "running"];
const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** Where the time of the run went: each try's waiting, queued and running time on one axis, and as a table. */
export function Timeline({ run, now }: { run: JobDetail; now: number }) {
  const { t, f } = useI18n();
  const rows = bandsOf(run, now);
  const { start, end } = spanOf(rows, run);
  const share = (instant: number) => `${((instant - start) / (end - start)) * 100}%`;
  const lasted = (row: AttemptBands, kind: BandKind) => {
    const bands = row.bands.filter((band) => band.kind === kind);
    return bands.length === 0
      ? "–"
      : f.duration(bands.reduce((sum, band: Band) => sum + band.end - band.start, 0));
  };
  const columns: Column<AttemptBands>[] = [
    {
      key: "number",
      header: t("task.timeline.attempt"),
      cell: (row) => t(row.ahead ? "task.timeline.next" : "task.attempt", { number: row.number }),
    },
    ...KINDS.map((kind) => ({
      key: kind,
      header: t(`task.timeline.${kind}`),
      numeric: true,
      cell: (row: AttemptBands) => lasted(row, kind),
    })),
    {
      key: "ended",
      header: t("task.timeline.ended"),
      cell: (row) =>
        row.ahead
          ? t("task.timeline.not_begun")
          : t(
              row.failed
                ? "task.timeline.failed"
                : run.state === "running"
                  ? "task.timeline.runs"
                  : run.state === "cancelled"
                    ? "run_state.cancelled"
                    : "task.timeline.done",
            ),
    },
  ];
  return (
    <Card padding="0">
      <Box padding="400">
        <BlockStack gap="300">
          <BlockStack gap="050">
            <Text as="h2" variant="headingMd">
              {t("task.attempts", { number: run.attempt, max: run.max_attempts })}
            </Text>
            <Text as="p" variant="bodySm" tone="subdued">
              {run.attempts.length === 0
                ? t("task.no_attempt")
                : t("task.timeline.subtitle", { time: f.duration(end - start) })}
            </Text>
          </BlockStack>
          {/* The table below says the same in words. */}
          <div aria-hidden="true">
            <BlockStack gap="200">
              <div className={styles.rows}>
                {rows.map((row) => (
                  <div key={row.number} className={styles.row}>
                    <span>{t("task.attempt", { number: row.number })}</span>
                    <div className={styles.track}>
                      {row.bands.map((band) => (
                        <span
                          key={band.kind}
                          className={styles.band}
                          data-kind={band.kind}
                          data-failed={(row.failed && band.kind === "running") || undefined}
                          title={`${t(`task.timeline.${band.kind}`)}: ${f.duration(band.end - band.start)}`}
                          style={{
                            insetInlineStart: `min(${share(band.start)}, calc(100% - 3px))`,
                            width: `${((band.end - band.start) / (end - start)) * 100}%`,
                          }}
                        />
                      ))}
                    </div>
                  </div>
                ))}
              </div>
              <div className={styles.axis}>
                {TICKS.map((tick) => (
                  <span key={tick}>{f.duration((end - start) * tick)}</span>
                ))}
              </div>
              <div className={styles.legend}>
                {KINDS.map((kind) => (
                  <span key={kind}>
                    <span className={styles.swatch}>
                      <span
                        className={styles.band}
                        data-kind={kind}
                        style={{ insetInlineStart: 0, width: "100%" }}
                      />
                    </span>
                    {t(`task.timeline.${kind}`)}
                  </span>
                ))}
              </div>
            </BlockStack>
          </div>
        </BlockStack>
      </Box>
      <DataTable
        caption={t("task.timeline.caption")}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.number}
      />
    </Card>
  );
}
