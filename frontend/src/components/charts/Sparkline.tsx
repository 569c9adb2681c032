import styles from "./Sparkline.module.css";

export interface SparkPoint {
  at: string;
  done: number;
  failed: number;
}

interface Props {
  points: readonly SparkPoint[];
  /** Versions that began to run within the time shown. */
  deploys: readonly { version: string; at: string }[];
  /** What is to be seen, in words. */
  label: string;
}

const HEIGHT = 28;
const STEP = 2;

/** A bar a minute, zero-based; what failed stands out on top, a deploy is a dashed line. */
export function Sparkline({ points, deploys, label }: Props) {
  const most = Math.max(1, ...points.map((point) => point.done + point.failed));
  const width = Math.max(1, points.length) * STEP;
  const height = (count: number) => (count > 0 ? Math.max(1, (count / most) * HEIGHT) : 0);
  const first = Date.parse(points[0]?.at ?? "");
  const last = Date.parse(points[points.length - 1]?.at ?? "");
  const marks = deploys
    .map((deploy) => ({ ...deploy, share: (Date.parse(deploy.at) - first) / (last - first) }))
    .filter(({ share }) => share >= 0 && share <= 1);
  return (
    <svg
      className={styles.spark}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      {points.map((point, index) => {
        const failed = height(point.failed);
        const done = height(point.done);
        return (
          <g key={point.at}>
            {done > 0 && (
              <rect
                className={styles.done}
                x={index * STEP}
                y={HEIGHT - done}
                width={STEP - 0.4}
                height={done}
              />
            )}
            {failed > 0 && (
              <rect
                className={styles.failed}
                x={index * STEP}
                y={Math.max(0, HEIGHT - done - failed)}
                width={STEP - 0.4}
                height={failed}
              />
            )}
          </g>
        );
      })}
      {marks.map(({ version, share }) => (
        <line
          key={version}
          className={styles.deploy}
          x1={share * width}
          x2={share * width}
          y1={0}
          y2={HEIGHT}
          vectorEffect="non-scaling-stroke"
        />
      ))}
    </svg>
  );
}
