import { BlockStack, Box, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import type { CampaignState, VersionRow } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";
import { reportVersionsQuery } from "../reportApi";
import { useVersionName } from "../versionNames";

/** What became of each version of the message; nothing where there is one only. */
export function VersionsReport({ campaignId, state }: { campaignId: string; state: CampaignState }) {
  const { t, f } = useI18n();
  const nameOf = useVersionName();
  const query = useQuery(reportVersionsQuery(campaignId, state));
  if (query.error) return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  if (!query.data || query.data.length === 0) return null;
  const rows = query.data;
  const tested = rows.some((row) => row.number > 0 && !row.locale);
  const share = (
    key: "delivered" | "opened" | "clicked" | "ordered" | "unsubscribed" | "bounced",
    header: string,
  ): Column<VersionRow> => ({
    key,
    header,
    numeric: true,
    cell: (row) => {
      const value = ratio(row[key], row.sent);
      return value === null ? "–" : t("campaigns.rate", { share: f.percent(value, 1), count: row[key] });
    },
  });
  const columns: Column<VersionRow>[] = [
    {
      key: "version",
      header: t("versions.column.version"),
      cell: (row) => (
        <BlockStack>
          <Text as="span">{nameOf(row, tested)}</Text>
          <Text as="span" variant="bodySm" tone="subdued">
            {row.subject}
          </Text>
        </BlockStack>
      ),
    },
    { key: "sent", header: t("report.step.sent"), numeric: true, cell: (row) => f.number(row.sent) },
    share("delivered", t("report.step.delivered")),
    share("opened", t("report.step.opened")),
    share("clicked", t("report.step.clicked")),
    share("ordered", t("report.step.ordered")),
    {
      key: "revenue",
      header: t("report.revenue"),
      numeric: true,
      cell: (row) => f.money(row.revenue),
    },
    share("unsubscribed", t("report.unsubscribed")),
    share("bounced", t("report.bounced")),
  ];
  return (
    <TableCard title={t("report.versions.title")}>
      <Box padding="400" paddingBlockStart="0">
        <Text as="p" tone="subdued">
          {t("report.versions.note", {
            count: rows.reduce((sum, row) => sum + row.only_machine_opened, 0),
          })}
        </Text>
      </Box>
      <DataTable
        caption={t("report.versions.title")}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.number}
      />
    </TableCard>
  );
}
