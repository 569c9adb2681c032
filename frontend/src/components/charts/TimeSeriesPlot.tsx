import {
  Area,
  Bar,
  CartesianGrid,
  ComposedChart,
  Legend,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import { SERIES_LOOKS } from "./looks";

export interface TimeSeriesProps {
  /** Read out instead of the drawing. */
  label: string;
  points: readonly Record<string, string | number | null>[];
  /** The key of the instant or day in each point. */
  x: string;
  /** At most five, the most important first; it is drawn on top of the others. */
  series: readonly { key: string; label: string }[];
  /** On the axis; short. */
  formatX: (value: string) => string;
  /** Beside a value; exact. The axis' form when left out. */
  formatExactX?: (value: string) => string;
  /** Amounts of a span of time, such as a day, are bars, parts of one are stacked; running sums and comparisons are areas. */
  kind?: "area" | "bar" | "stacked";
  /** Moments to remember, such as a new version; each stands at the first point that is not before it. */
  marks?: readonly { at: string; label: string }[];
  formatValue: (value: number) => string;
  formatTick: (value: number) => string;
  height?: number;
}

const AXIS_TEXT = { fontSize: 12, fill: "#616161" };

export default function TimeSeriesPlot({
  label,
  points,
  x,
  series,
  formatX,
  formatExactX = formatX,
  kind = "area",
  marks = [],
  formatValue,
  formatTick,
}: TimeSeriesProps) {
  return (
    <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 600, height: 260 }}>
      <ComposedChart
        data={[...points]}
        margin={{ top: 8, right: 8, bottom: 0, left: 0 }}
        title={label}
        accessibilityLayer
      >
        <CartesianGrid vertical={false} stroke="#e3e3e3" />
        <XAxis
          dataKey={x}
          tickFormatter={formatX}
          tick={AXIS_TEXT}
          tickLine={false}
          axisLine={{ stroke: "#b5b5b5" }}
          minTickGap={28}
        />
        <YAxis
          domain={[0, "auto"]}
          tickFormatter={formatTick}
          tick={AXIS_TEXT}
          tickLine={false}
          axisLine={false}
          width={56}
          allowDecimals={false}
        />
        <Tooltip
          labelFormatter={(value) => formatExactX(String(value))}
          formatter={(value, name) => [formatValue(Number(value)), name]}
          contentStyle={{ borderRadius: 8, border: "1px solid #e3e3e3", fontSize: 12 }}
        />
        {series.length > 1 && (
          <Legend verticalAlign="top" align="left" height={28} wrapperStyle={{ fontSize: 12 }} />
        )}
        {series
          .map((one, index) => ({ one, look: SERIES_LOOKS[index % SERIES_LOOKS.length] ?? SERIES_LOOKS[0] }))
          .reverse()
          .map(({ one, look }) => {
            if (kind !== "area") {
              return (
                <Bar
                  key={one.key}
                  dataKey={one.key}
                  name={one.label}
                  fill={look.stroke}
                  {...(kind === "stacked" ? { stackId: "all" } : {})}
                  isAnimationActive={false}
                />
              );
            }
            return (
              <Area
                key={one.key}
                dataKey={one.key}
                name={one.label}
                type="linear"
                stroke={look.stroke}
                strokeWidth={2}
                strokeDasharray={look.dash}
                fill={look.fill}
                fillOpacity={look.fillOpacity}
                isAnimationActive={false}
                // A line through a single value has no length.
                dot={points.filter((point) => point[one.key] != null).length === 1}
              />
            );
          })}
        {marks.map((mark) => {
          const found = points.findIndex((one) => Date.parse(String(one[x])) >= Date.parse(mark.at));
          const index = found < 0 ? points.length - 1 : found;
          const point = points[index];
          // A label beside the right edge would be cut off there.
          const side = index > points.length / 2 ? "insideTopRight" : "insideTopLeft";
          return point ? (
            <ReferenceLine
              key={`${mark.at}${mark.label}`}
              x={String(point[x])}
              stroke="#1a1a1a"
              strokeDasharray="3 3"
              label={{ value: mark.label, position: side, fontSize: 11, fill: "#303030" }}
            />
          ) : null;
        })}
      </ComposedChart>
    </ResponsiveContainer>
  );
}
