import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { Link } from "react-router";
import { ErrorState } from "@/components/ErrorState";
import type { Translate } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import { formatAmount } from "@/lib/amount";
import { useIsOperator } from "@/lib/useSession";
import { type HealthItem, healthQuery, POLL_MS } from "./api";
import styles from "./HealthStrip.module.css";
import { useJobsStream } from "./useJobsStream";

const RANK = { bad: 0, warn: 1, ok: 2 } as const;
const MARK = { bad: "✕", warn: "!", ok: "✓" } as const;

/** "oldest_wait:bulk" → the words for its kind and the thing that it is about. */
function label(item: HealthItem, t: Translate): string {
  const [kind = item.key, about] = item.key.split(":");
  return about
    ? t.code("health", kind, { about: t.code("queue", about, {}, about) })
    : t.code("health", kind);
}

const OLDEST_WAIT = "oldest_wait:";

/** Queues that keep up are told in one figure, that of the slowest: calm when there is nothing to see. */
function gatherQuiet(items: readonly HealthItem[]): HealthItem[] {
  const isQuiet = (item: HealthItem) => item.severity === "ok" && item.key.startsWith(OLDEST_WAIT);
  const slowest = items.filter(isQuiet).sort((a, b) => (b.value ?? 0) - (a.value ?? 0))[0];
  return items.flatMap((item) => {
    if (!isQuiet(item)) return [item];
    return item === slowest ? [{ ...item, key: "oldest_wait_of_all", link: "/tasks/queues" }] : [];
  });
}

/** The state of the whole platform at a glance, worst first; each item leads to the list behind it. */
export function HealthStrip() {
  return useIsOperator() ? <Strip /> : null;
}

function Strip() {
  const { t } = useI18n();
  const stream = useJobsStream();
  const query = useQuery({ ...healthQuery, refetchInterval: stream.isLive ? false : POLL_MS });
  const items = (stream.isLive ? stream.snapshot?.health : undefined) ?? query.data?.items;
  if (!items) {
    return query.error ? (
      <ErrorState error={query.error} retry={() => void query.refetch()} retrying={query.isFetching} />
    ) : (
      <div className={styles.strip} role="status" aria-busy="true" aria-label={t("state.loading")} />
    );
  }
  return <Items items={items} />;
}

/** On a phone: enough to see how things stand, and never fewer than what needs a look. */
const SHOWN_ON_PHONE = 3;

function Items({ items }: { items: readonly HealthItem[] }) {
  const { t, f } = useI18n();
  const sorted = gatherQuiet(items).sort((a, b) => RANK[a.severity] - RANK[b.severity]);
  const worst = sorted[0]?.severity ?? "ok";
  const troubles = sorted.filter((item) => item.severity !== "ok").length;
  const shown = Math.max(SHOWN_ON_PHONE, troubles);
  const [isOpen, setOpen] = useState(false);
  const listId = useId();
  return (
    <section className={styles.strip} data-severity={worst} aria-label={t("health.title")}>
      <p className={styles.sentence} aria-live="polite">
        {troubles === 0 ? t("health.well") : t("health.troubles", { count: troubles })}
      </p>
      <ul id={listId} className={styles.items}>
        {sorted.map((item, index) => (
          <li key={item.key} className={index >= shown && !isOpen ? styles.rest : undefined}>
            <Link to={item.link} className={styles.item} data-severity={item.severity}>
              <span className={styles.mark} aria-hidden="true">
                {MARK[item.severity]}
              </span>
              <span className={styles.label}>{label(item, t)}</span>
              <span className={styles.value}>{formatAmount(item.value, item.unit, t, f)}</span>
              {item.severity !== "ok" && (
                <span className={styles.limit}>
                  {item.limit === null
                    ? t.code("health_state", item.severity)
                    : t("health.limit", { limit: formatAmount(item.limit, item.unit, t, f) })}
                </span>
              )}
            </Link>
          </li>
        ))}
      </ul>
      {sorted.length > shown && (
        <button
          type="button"
          className={styles.more}
          aria-expanded={isOpen}
          aria-controls={listId}
          onClick={() => setOpen(!isOpen)}
        >
          {isOpen ? t("health.fewer") : t("health.more_fine", { count: sorted.length - shown })}
        </button>
      )}
    </section>
  );
}
