import { BlockStack, Box, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "@/components/DataTable";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import type { CampaignState, Deliverability } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";
import { deliverabilityQuery } from "../reportApi";

type Domain = Deliverability["domains"][number];
type ErrorRow = Deliverability["errors"][number];

/** How the mail got on at each receiving domain, and what servers said to what they did not take. */
export function DeliverabilityCard({ campaignId, state }: { campaignId: string; state: CampaignState }) {
  const { t } = useI18n();
  const query = useQuery(deliverabilityQuery(campaignId, state));
  return (
    <BlockStack gap="400">
      <TableCard title={t("report.domains.title")}>
        <QueryView
          query={query}
          skeleton={<TableSkeleton rows={4} />}
          isEmpty={(data) => data.domains.length === 0}
          empty={
            <Box padding="400">
              <Text as="p" tone="subdued">
                {t("report.domains.none")}
              </Text>
            </Box>
          }
        >
          {(data) => <Domains domains={data.domains} />}
        </QueryView>
      </TableCard>
      {query.data && query.data.errors.length > 0 && <Errors errors={query.data.errors} />}
    </BlockStack>
  );
}

function Domains({ domains }: { domains: readonly Domain[] }) {
  const { t, f } = useI18n();
  const share = (
    key: keyof Domain & string,
    part: (row: Domain) => number,
    whole: (row: Domain) => number,
  ) => ({
    key,
    header: t(`report.domains.${key as "accepted"}`),
    numeric: true,
    cell: (row: Domain) => {
      const value = ratio(part(row), whole(row));
      return value === null || part(row) === 0
        ? "–"
        : t("campaigns.rate", { share: f.percent(value, 1), count: part(row) });
    },
  });
  const columns: Column<Domain>[] = [
    {
      key: "domain",
      header: t("report.domains.domain"),
      cell: (row) => row.domain ?? t("report.domains.others"),
    },
    {
      key: "recipients",
      header: t("report.domains.recipients"),
      numeric: true,
      cell: (row) => f.number(row.recipients),
    },
    share(
      "accepted",
      (row) => row.accepted,
      (row) => row.recipients,
    ),
    share(
      "deferred",
      (row) => row.deferred,
      (row) => row.recipients,
    ),
    share(
      "refused",
      (row) => row.refused,
      (row) => row.recipients,
    ),
    share(
      "bounced",
      (row) => row.bounced,
      (row) => row.accepted,
    ),
    share(
      "opened",
      (row) => row.opened,
      (row) => row.accepted,
    ),
    share(
      "clicked",
      (row) => row.clicked,
      (row) => row.accepted,
    ),
    share(
      "complained",
      (row) => row.complained,
      (row) => row.accepted,
    ),
  ];
  return (
    <DataTable
      caption={t("report.domains.title")}
      columns={columns}
      rows={domains}
      rowKey={(row) => row.domain ?? ""}
    />
  );
}

function Errors({ errors }: { errors: readonly ErrorRow[] }) {
  const { t, f } = useI18n();
  const columns: Column<ErrorRow>[] = [
    {
      key: "text",
      header: t("report.errors.reply"),
      cell: (row) => <code>{row.text || t("report.errors.silent")}</code>,
    },
    {
      key: "code",
      header: t("report.errors.code"),
      cell: (row) => [row.code, row.enhanced].filter(Boolean).join(" ") || "–",
    },
    {
      key: "meaning",
      header: t("report.errors.meaning"),
      cell: (row) =>
        row.state === "pending"
          ? t("report.errors.again")
          : row.reason
            ? t.code("exclusion", row.reason)
            : t.code("status", row.state),
    },
    {
      key: "count",
      header: t("report.errors.count"),
      numeric: true,
      cell: (row) => f.number(row.count),
    },
  ];
  return (
    <TableCard title={t("report.errors.title")}>
      <DataTable
        caption={t("report.errors.title")}
        columns={columns}
        rows={errors}
        rowKey={(row) => [row.state, row.reason, row.code, row.enhanced, row.text].join("|")}
      />
    </TableCard>
  );
}
