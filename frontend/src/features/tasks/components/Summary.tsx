import { Text } from "@shopify/polaris";
import { Link } from "react-router";
import { useI18n } from "@/i18n/useI18n";
import type { JobsSummary } from "@/lib/api/types";
import styles from "./Summary.module.css";

/** A queue whose oldest task waits longer than this is late. */
const LATE_S = 60;

/** What is wrong first, in one sentence, then the counts; each leads to its list. */
export function Summary({ summary }: { summary: JobsSummary }) {
  const { t, f } = useI18n();
  const { states, queues } = summary;
  const oldest = Math.max(0, ...queues.map((queue) => queue.oldest_age_s ?? 0));
  const tone = states.dead > 0 ? "critical" : states.retrying > 0 || oldest > LATE_S ? "warning" : "ok";
  const sentence =
    states.dead > 0
      ? t("tasks.summary.dead", { count: states.dead })
      : states.retrying > 0
        ? t("tasks.summary.retrying", { count: states.retrying })
        : oldest > LATE_S
          ? t("tasks.summary.late", { time: f.duration(oldest * 1000) })
          : states.running + states.queued > 0
            ? t("tasks.summary.working", { count: states.running + states.queued })
            : t("tasks.summary.idle");
  const tiles = [
    { key: "dead", value: states.dead, to: "?state=dead" },
    { key: "retrying", value: states.retrying, to: "?state=retrying" },
    { key: "running", value: states.running, to: "?state=running" },
    { key: "queued", value: states.queued + states.staged, to: "?state=queued" },
    { key: "succeeded", value: states.succeeded_24h, to: "?state=succeeded" },
  ] as const;

  return (
    <section className={styles.summary} data-tone={tone} aria-label={t("tasks.summary.title")}>
      <div aria-live="polite" className={styles.sentence}>
        <Text as="h2" variant="headingMd">
          {sentence}
        </Text>
      </div>
      <ul className={styles.tiles}>
        {tiles.map((tile) => (
          <li key={tile.key}>
            <Link to={tile.to} className={styles.tile}>
              <span className={styles.value}>{f.number(tile.value)}</span>
              <span className={styles.label}>{t(`tasks.tile.${tile.key}`)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
