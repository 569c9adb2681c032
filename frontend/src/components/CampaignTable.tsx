import { type Column, DataTable } from "@/components/DataTable";
import { StateBadge } from "@/components/StateBadge";
import { useI18n } from "@/i18n/useI18n";
import type { CampaignRow } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";

const UNSENT = ["draft", "scheduled"];

/** A draft opens where it is written, anything else where its results are. */
export function campaignPath(campaign: Pick<CampaignRow, "id" | "state">): string {
  return UNSENT.includes(campaign.state) ? `/campaigns/${campaign.id}/edit` : `/campaigns/${campaign.id}`;
}

/** Campaigns with what they reached and earned, for the list and for Home. */
export function CampaignTable({
  caption,
  campaigns,
  compared,
  onCompare,
}: {
  caption: string;
  campaigns: readonly CampaignRow[];
  /** The campaigns that are chosen to stand side by side; without it none can be chosen. */
  compared?: ReadonlySet<string>;
  onCompare?: (campaign: CampaignRow) => void;
}) {
  const { t, f } = useI18n();
  const rate = (part: number, whole: number) => {
    const value = ratio(part, whole);
    return value === null ? "–" : t("campaigns.rate", { share: f.percent(value, 1), count: part });
  };
  const isSent = (row: CampaignRow) => row.sent > 0;
  const columns: Column<CampaignRow>[] = [
    { key: "name", header: t("campaigns.column.name"), cell: (row) => row.name },
    { key: "state", header: t("campaigns.column.state"), cell: (row) => <StateBadge state={row.state} /> },
    {
      key: "when",
      header: t("campaigns.column.when"),
      cell: (row) => {
        const at = row.finished_at ?? row.scheduled_at;
        return at ? <time dateTime={at}>{f.date(at)}</time> : "–";
      },
    },
    {
      key: "sent",
      header: t("campaigns.column.sent"),
      numeric: true,
      cell: (row) => (isSent(row) ? f.number(row.sent) : "–"),
    },
    {
      key: "opens",
      header: t("campaigns.column.opens"),
      numeric: true,
      cell: (row) => rate(row.opens, row.sent),
    },
    {
      key: "clicks",
      header: t("campaigns.column.clicks"),
      numeric: true,
      cell: (row) => rate(row.clicks, row.sent),
    },
    {
      key: "revenue",
      header: t("campaigns.column.revenue"),
      numeric: true,
      cell: (row) => (isSent(row) ? f.money(row.revenue) : "–"),
    },
    {
      key: "per_recipient",
      header: t("campaigns.column.per_recipient"),
      numeric: true,
      wideOnly: true,
      // The API rounds to whole coins, which would tell a small share as nothing.
      cell: (row) => (isSent(row) ? f.minor(row.revenue.amount_minor / row.sent) : "–"),
    },
  ];
  return (
    <DataTable
      caption={caption}
      columns={columns}
      rows={campaigns}
      rowKey={(row) => row.id}
      rowHref={campaignPath}
      {...(compared && onCompare
        ? {
            selection: {
              selected: compared,
              onToggle: onCompare,
              canSelect: isSent,
              labelOf: (row: CampaignRow) => t("campaigns.choose", { name: row.name }),
            },
          }
        : {})}
    />
  );
}
