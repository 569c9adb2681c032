import { Badge, Box, InlineStack, Text } from "@shopify/polaris";
import { DataTable } from "@/components/DataTable";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";

/** The part of an address that tells links apart; the rest is the same in all of them. */
function shortUrl(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return host + (pathname === "/" ? "" : decodeURI(pathname));
  } catch {
    return url;
  }
}

export function TopLinks({ report }: { report: Report }) {
  const { t, f } = useI18n();
  const links = [...report.links].sort((a, b) => b.clicks - a.clicks);
  const clickers = report.funnel.find((one) => one.step === "clicked")?.people ?? 0;
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
              cell: (link) => (
                <InlineStack gap="200">
                  <span title={link.url}>{shortUrl(link.url)}</span>
                  {link.personal && <Badge>{t("report.links.personal")}</Badge>}
                </InlineStack>
              ),
            },
            {
              key: "people",
              header: t("report.links.people"),
              numeric: true,
              cell: (link) => {
                const share = ratio(link.people, clickers);
                return share === null || link.people === 0
                  ? f.number(link.people)
                  : t("campaigns.rate", { share: f.percent(share, 0), count: link.people });
              },
            },
            {
              key: "clicks",
              header: t("report.links.clicks"),
              numeric: true,
              cell: (link) => f.number(link.clicks),
            },
            {
              key: "machines",
              header: t("report.links.machines"),
              numeric: true,
              cell: (link) => f.number(link.machine_clicks),
            },
          ]}
        />
      )}
    </TableCard>
  );
}
