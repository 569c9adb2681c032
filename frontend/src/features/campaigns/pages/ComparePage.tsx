import { BlockStack, Button, Card } from "@shopify/polaris";
import { ChartVerticalIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { Comparison } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";
import { comparedIn, MIN_COMPARED } from "../comparison";
import { comparisonQuery } from "../reportApi";
import styles from "./ComparePage.module.css";

type Column = Comparison["campaigns"][number];

interface Figure {
  key: string;
  label: string;
  /** What campaigns are ranked by; null where nothing was sent. */
  value: (column: Column) => number | null;
  show: (value: number, column: Column) => string;
  /** More of it is worse. */
  bad?: boolean;
}

/** Two to five campaigns side by side; of each figure the best one is marked. */
export function ComparePage() {
  const { t } = useI18n();
  const [params] = useSearchParams();
  const ids = comparedIn(params);
  const enough = ids.length >= MIN_COMPARED;
  const query = useQuery({ ...comparisonQuery(ids), enabled: enough });
  return (
    <Page title={t("compare.title")} backAction={{ content: t("nav.campaigns"), url: "/campaigns" }}>
      {enough ? (
        <QueryView
          query={query}
          skeleton={
            <LoadingRegion>
              <CardSkeleton lines={12} />
            </LoadingRegion>
          }
        >
          {(data) => <Columns campaigns={data.campaigns} />}
        </QueryView>
      ) : (
        <EmptyState
          icon={ChartVerticalIcon}
          title={t("compare.empty.title")}
          action={<Button url="/campaigns?state=sent">{t("compare.empty.action")}</Button>}
        >
          {t("compare.empty.body")}
        </EmptyState>
      )}
    </Page>
  );
}

function useFigures(): readonly Figure[] {
  const { t, f } = useI18n();
  const share = (key: string, label: string, part: (column: Column) => number, bad = false): Figure => ({
    key,
    label,
    value: (column) => ratio(part(column), column.sent),
    show: (value, column) => t("campaigns.rate", { share: f.percent(value, 1), count: part(column) }),
    bad,
  });
  return [
    {
      key: "revenue",
      label: t("report.revenue"),
      value: ({ sent, revenue }) => (sent ? revenue.amount_minor : null),
      show: (_value, { revenue }) => f.money(revenue),
    },
    {
      key: "per_recipient",
      label: t("campaigns.column.per_recipient"),
      value: ({ sent, revenue }) => ratio(revenue.amount_minor, sent),
      show: (value) => f.minor(value),
    },
    {
      key: "sent",
      label: t("report.sent"),
      value: ({ sent }) => sent,
      show: (value) => f.number(value),
    },
    share("delivered", t("report.step.delivered"), (column) => column.delivered),
    share("opened", t("report.open_rate"), (column) => column.opened),
    share("machine_opens", t("compare.machine_opens"), (column) => column.opens.machine_only, true),
    share("clicked", t("report.click_rate"), (column) => column.clicked),
    share("ordered", t("report.step.ordered"), (column) => column.ordered),
    share("unsubscribed", t("report.unsubscribed"), (column) => column.unsubscribed, true),
    share("bounced", t("report.bounced"), (column) => column.bounced, true),
    share("complained", t("report.complained"), (column) => column.complained, true),
  ];
}

/** Figures that say how good a campaign was; how many it went to, or how many use Apple's proxy, does not. */
const UNJUDGED = new Set(["sent", "machine_opens"]);

function best(figure: Figure, campaigns: readonly Column[]): number | null {
  const values = campaigns.map(figure.value).filter((value) => value !== null);
  if (UNJUDGED.has(figure.key) || values.length < 2 || new Set(values).size === 1) return null;
  return figure.bad ? Math.min(...values) : Math.max(...values);
}

function Columns({ campaigns }: { campaigns: readonly Column[] }) {
  const { t, f } = useI18n();
  const figures = useFigures();
  return (
    <BlockStack gap="300">
      <Card padding="0">
        <div className={styles.scroll}>
          <table className={styles.table}>
            <caption className={styles.caption}>{t("compare.title")}</caption>
            <thead>
              <tr>
                <td />
                {campaigns.map((column) => (
                  <th key={column.id} scope="col">
                    <Link to={`/campaigns/${column.id}`}>{column.name}</Link>
                    <span className={styles.when}>
                      {column.started_at ? f.date(column.started_at) : t("compare.unsent")}
                    </span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {figures.map((figure) => {
                const winner = best(figure, campaigns);
                return (
                  <tr key={figure.key}>
                    <th scope="row">{figure.label}</th>
                    {campaigns.map((column) => {
                      const value = figure.value(column);
                      const wins = value !== null && value === winner;
                      return (
                        <td key={column.id} data-name={column.name} data-best={wins || undefined}>
                          {value === null ? "–" : figure.show(value, column)}
                          {wins && <span className={styles.best}>{t("compare.best")}</span>}
                        </td>
                      );
                    })}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      </Card>
      <p className={styles.note}>{t("compare.note")}</p>
    </BlockStack>
  );
}
