import {
  ActionList,
  BlockStack,
  Button,
  ButtonGroup,
  Card,
  InlineStack,
  Popover,
  Text,
} from "@shopify/polaris";
import { ChartVerticalIcon, ExportIcon, ListBulletedIcon } from "@shopify/polaris-icons";
import { type ReactNode, useRef, useState } from "react";
import { DataTable } from "@/components/DataTable";
import { useI18n } from "@/i18n/useI18n";
import { saveCsv, saveSvgAsPng } from "@/lib/download";
import styles from "./charts.module.css";

export interface ChartTable {
  headers: readonly string[];
  /** As shown, formatted. */
  rows: readonly (readonly string[])[];
  /** As exported: plain numbers and ISO dates. */
  csv: readonly (readonly (string | number)[])[];
}

interface Props {
  /** The finding, in words. */
  title: string;
  /** What is drawn, its unit and time zone. */
  subtitle: string;
  table: ChartTable;
  fileName: string;
  children: ReactNode;
}

/** A chart that can be read without seeing it: finding as title, table view, CSV and PNG. */
export function ChartCard({ title, subtitle, table, fileName, children }: Props) {
  const { t } = useI18n();
  const [view, setView] = useState<"chart" | "table">("chart");
  const [exporting, setExporting] = useState(false);
  const drawing = useRef<HTMLDivElement>(null);

  function savePng() {
    const svg = drawing.current?.querySelector<SVGSVGElement>("svg.recharts-surface");
    if (svg) void saveSvgAsPng(svg, `${fileName}.png`);
    setExporting(false);
  }

  function saveTable() {
    saveCsv([table.headers, ...table.csv], `${fileName}.csv`);
    setExporting(false);
  }

  return (
    <Card>
      <BlockStack gap="400">
        <div className={styles.head}>
          <BlockStack gap="050">
            <Text as="h2" variant="headingMd">
              {title}
            </Text>
            <Text as="p" variant="bodySm" tone="subdued">
              {subtitle}
            </Text>
          </BlockStack>
          <InlineStack gap="200" wrap={false}>
            <ButtonGroup variant="segmented">
              <Button
                icon={ChartVerticalIcon}
                size="slim"
                pressed={view === "chart"}
                onClick={() => setView("chart")}
                accessibilityLabel={t("chart.show_chart")}
              />
              <Button
                icon={ListBulletedIcon}
                size="slim"
                pressed={view === "table"}
                onClick={() => setView("table")}
                accessibilityLabel={t("chart.show_table")}
              />
            </ButtonGroup>
            <Popover
              active={exporting}
              onClose={() => setExporting(false)}
              activator={
                <Button
                  icon={ExportIcon}
                  size="slim"
                  onClick={() => setExporting(!exporting)}
                  accessibilityLabel={t("chart.download")}
                />
              }
            >
              <ActionList
                items={[
                  { content: t("chart.csv"), onAction: saveTable },
                  ...(view === "chart" ? [{ content: t("chart.png"), onAction: savePng }] : []),
                ]}
              />
            </Popover>
          </InlineStack>
        </div>
        {view === "chart" ? (
          <div ref={drawing}>{children}</div>
        ) : (
          <DataTable
            caption={title}
            columns={table.headers.map((header, index) => ({
              key: header,
              header,
              numeric: index > 0,
              cell: (row: readonly string[]) => row[index] ?? "",
            }))}
            rows={table.rows}
            rowKey={(row) => row.join("|")}
          />
        )}
      </BlockStack>
    </Card>
  );
}
