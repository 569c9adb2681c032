import { Box, InlineGrid, InlineStack, Select } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { ChartCard } from "@/components/charts/ChartCard";
import { TimeSeries } from "@/components/charts/TimeSeries";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { FigureWindow, JobFigures, JobSeries } from "@/lib/api/jobTypes";
import { ratio } from "@/lib/ratio";
import { seriesQuery } from "../figuresApi";
import { jobTitle } from "../words";

interface Props {
  window: FigureWindow;
  /** The kind of job, or empty for all of them. */
  name: string;
  jobs: readonly JobFigures[];
  onChoose: (name: string) => void;
}

/** How many runs ended how, and how long they took, over time, with the deploys between. */
export function JobCharts({ window, name, jobs, onChoose }: Props) {
  const { t } = useI18n();
  const query = useQuery(seriesQuery(window, name));
  const options = [
    { value: "", label: t("figures.all_jobs") },
    ...jobs
      .map((job) => ({ value: job.name, label: `${jobTitle(t, job)} (${job.name})` }))
      .sort((a, b) => a.label.localeCompare(b.label)),
  ];
  return (
    <>
      <Box paddingInline={{ xs: "200", md: "0" }}>
        <InlineStack>
          <Select
            label={t("figures.chosen")}
            options={options}
            value={options.some((one) => one.value === name) ? name : ""}
            onChange={onChoose}
          />
        </InlineStack>
      </Box>
      <QueryView query={query} skeleton={<TableSkeleton rows={8} />}>
        {(series) => (
          <InlineGrid columns={{ xs: 1, lg: 2 }} gap="400">
            <Outcomes series={series} window={window} />
            <Times series={series} window={window} />
          </InlineGrid>
        )}
      </QueryView>
    </>
  );
}

function useInstant(window: FigureWindow) {
  const { f } = useI18n();
  return {
    short: (at: string) => (window === "7d" ? f.date(at) : f.time(at)),
    exact: (at: string) => f.dateTime(at),
  };
}

function useMarks(series: JobSeries) {
  const { t } = useI18n();
  return series.deploys.map(({ version, at }) => ({ at, label: t("figures.deploy", { version }) }));
}

function Outcomes({ series, window }: { series: JobSeries; window: FigureWindow }) {
  const { t, f } = useI18n();
  const instant = useInstant(window);
  const marks = useMarks(series);
  const sum = (key: "succeeded" | "dead" | "cancelled") =>
    series.points.reduce((total, point) => total + point[key], 0);
  const [succeeded, dead, cancelled] = [sum("succeeded"), sum("dead"), sum("cancelled")];
  const ended = succeeded + dead + cancelled;
  const share = ratio(dead, ended);
  const title =
    share === null
      ? t("figures.finding.nothing")
      : dead === 0
        ? t("figures.finding.well", { count: succeeded })
        : t("figures.finding.failed", { count: dead, share: f.percent(share, 1), total: ended });
  const kinds = ["succeeded", "cancelled", "dead"] as const;
  return (
    <ChartCard
      title={title}
      subtitle={t("figures.outcomes_subtitle", { step: f.duration(series.step_s * 1000), zone: f.timeZone })}
      fileName={`jobs-outcomes-${window}`}
      table={{
        headers: [t("chart.time"), ...kinds.map((kind) => t(`run_state.${kind}`))],
        rows: series.points.map((point) => [
          instant.exact(point.at),
          ...kinds.map((kind) => f.number(point[kind])),
        ]),
        csv: series.points.map((point) => [point.at, ...kinds.map((kind) => point[kind])]),
      }}
    >
      <TimeSeries
        label={title}
        points={series.points.map((point) => ({ ...point }))}
        x="at"
        kind="stacked"
        series={kinds.map((kind) => ({ key: kind, label: t(`run_state.${kind}`) }))}
        marks={marks}
        formatX={instant.short}
        formatExactX={instant.exact}
        formatValue={f.number}
        formatTick={f.compact}
      />
    </ChartCard>
  );
}

function Times({ series, window }: { series: JobSeries; window: FigureWindow }) {
  const { t, f } = useI18n();
  const instant = useInstant(window);
  const marks = useMarks(series);
  const kinds = ["run_p95_ms", "wait_p95_ms"] as const;
  const measured = series.points.filter((point) => point.run_p95_ms !== null);
  const worst = measured.reduce<JobSeries["points"][number] | undefined>(
    (best, point) => ((best?.run_p95_ms ?? -1) < (point.run_p95_ms ?? 0) ? point : best),
    undefined,
  );
  const last = measured.at(-1);
  const title =
    worst && last
      ? t("figures.finding.times", {
          last: f.duration(last.run_p95_ms ?? 0),
          worst: f.duration(worst.run_p95_ms ?? 0),
          time: instant.short(worst.at),
        })
      : t("figures.finding.no_times");
  const span = (value: number | null) => (value === null ? "–" : f.duration(value));
  return (
    <ChartCard
      title={title}
      subtitle={t("figures.times_subtitle", { step: f.duration(series.step_s * 1000), zone: f.timeZone })}
      fileName={`jobs-times-${window}`}
      table={{
        headers: [t("chart.time"), ...kinds.map((kind) => t(`figures.${kind}`))],
        rows: series.points.map((point) => [
          instant.exact(point.at),
          ...kinds.map((kind) => span(point[kind])),
        ]),
        csv: series.points.map((point) => [point.at, ...kinds.map((kind) => point[kind] ?? "")]),
      }}
    >
      <TimeSeries
        label={title}
        points={series.points.map((point) => ({ ...point }))}
        x="at"
        series={kinds.map((kind) => ({ key: kind, label: t(`figures.${kind}`) }))}
        marks={marks}
        formatX={instant.short}
        formatExactX={instant.exact}
        formatValue={f.duration}
        formatTick={f.duration}
      />
    </ChartCard>
  );
}
