import styles from "./charts.module.css";

export interface Bar {
  key: string;
  label: string;
  value: number;
  /** The value in words, with its unit. */
  text: string;
  /** What it means beside its neighbour, such as the share that went on. */
  detail?: string | undefined;
}

interface Props {
  label: string;
  bars: readonly Bar[];
}

/** Horizontal bars from zero, each with its own figure: a funnel or a ranking that needs no axis to be read. */
export function BarList({ label, bars }: Props) {
  const largest = Math.max(1, ...bars.map((bar) => bar.value));
  return (
    <ul className={styles.bars} aria-label={label}>
      {bars.map((bar) => (
        <li key={bar.key} className={styles.bar}>
          <span className={styles.barLabel}>{bar.label}</span>
          <span className={styles.barText}>
            {bar.text}
            {bar.detail && <span className={styles.barDetail}>{bar.detail}</span>}
          </span>
          <span className={styles.barTrack} aria-hidden="true">
            <span
              className={styles.barFill}
              style={{ width: bar.value > 0 ? `max(2px, ${(bar.value / largest) * 100}%)` : 0 }}
            />
          </span>
        </li>
      ))}
    </ul>
  );
}
