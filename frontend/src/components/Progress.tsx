import { InlineStack, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import styles from "./Progress.module.css";

interface Props {
  label: string;
  done: number;
  /** Null while nobody knows how much there is. */
  total: number | null;
  /** Units per second, or null while it is not known. */
  rate?: number | null;
  tone?: "running" | "paused" | "failed";
  /** Says in words what a count alone would not. */
  text?: string;
}

/** Long work: a bar, a count, a rate and the time left, changing in place. */
export function Progress({ label, done, total, rate = null, tone = "running", text }: Props) {
  const { t, f } = useI18n();
  const share = total && total > 0 ? Math.min(1, done / total) : null;
  const eta = rate && total !== null && rate > 0 && total > done ? ((total - done) / rate) * 1000 : null;
  const count = text ?? (total === null ? f.number(done) : t("progress.count", { done, total }));
  return (
    <div className={styles.progress}>
      <InlineStack align="space-between" gap="200" wrap>
        <Text as="span" variant="bodySm" fontWeight="semibold">
          {label}
        </Text>
        <span className={styles.figures}>
          {count}
          {rate !== null && rate > 0 && <> · {t("progress.rate", { rate: f.decimal(rate) })}</>}
          {eta !== null && <> · {t("progress.eta", { time: f.duration(eta) })}</>}
        </span>
      </InlineStack>
      <div
        className={styles.track}
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        {...(share === null ? {} : { "aria-valuenow": Math.round(share * 100) })}
        aria-valuetext={count}
        data-tone={tone}
        data-unknown={share === null || undefined}
      >
        <div className={styles.bar} style={{ width: share === null ? "30%" : `${share * 100}%` }} />
      </div>
    </div>
  );
}
