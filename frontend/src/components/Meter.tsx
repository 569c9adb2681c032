import styles from "./Meter.module.css";

interface Props {
  /** Between 0 and 1. */
  share: number;
  label: string;
  tone?: "calm" | "warn" | "bad";
}

/** How much of something is in use. The words beside it carry the figure. */
export function Meter({ share, label, tone = "calm" }: Props) {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers draw <meter> each in their own way
    <div
      className={styles.track}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      data-tone={tone}
    >
      <div className={styles.bar} style={{ width: `${percent}%` }} />
    </div>
  );
}
