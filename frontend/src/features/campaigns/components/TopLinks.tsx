import { Box, Text } from "@shopify/polaris";
import { DataTable } from "@/components/DataTable";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";

/** The part of an address that tells links apart; the rest is the same in all of them. */
function shortUrl(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return host + (pathname === "/" ? "" : pathname);
  } catch {
    return url;
  }
}

export function TopLinks({ report }: { report: Report }) {
  const { t, f } = useI18n();
  const links = [...report.links].sort((a, b) => b.clicks - a.clicks);
  return (
    <TableCard title={t("report.links.title")}>
      {links.length === 0 ? (
        <Box padding="400">
          <Text as="p" tone="subdued">
            {t(report.counts.audience === 0 ? "report.links.none_yet" : "report.links.none")}
          </Text>
        </Box>
      ) : (
        <DataTable
          caption={t("report.links.title")}
          rows={links}
          rowKey={(link) => link.number}
          columns={[
            {
              key: "url",
              header: t("report.links.url"),
              cell: (link) => <span title={link.url}>{shortUrl(link.url)}</span>,
            },
            {
              key: "people",
              header: t("report.links.people"),
              numeric: true,
              cell: (link) => f.number(link.people),
            },
            {
              key: "clicks",
              header: t("report.links.clicks"),
              numeric: true,
              cell: (link) => f.number(link.clicks),
            },
          ]}
        />
      )}
    </TableCard>
  );
}
