import { lazy, Suspense } from "react";
import { LoadingRegion } from "@/components/Skeletons";
import styles from "./charts.module.css";
import type { TimeSeriesProps } from "./TimeSeriesPlot";

// The drawing library is as large as the rest of the page: it loads after the figures are on screen.
const Plot = lazy(() => import("./TimeSeriesPlot"));

/** Values over time, zero-based. Its height is reserved, so nothing moves when the drawing arrives. */
export function TimeSeries(props: TimeSeriesProps) {
  return (
    <div className={styles.plot} style={{ height: props.height ?? 260 }}>
      <Suspense
        fallback={
          <LoadingRegion>
            <div className={styles.waiting} />
          </LoadingRegion>
        }
      >
        <Plot {...props} />
      </Suspense>
    </div>
  );
}
