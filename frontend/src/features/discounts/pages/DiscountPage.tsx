import { Banner, BlockStack, Card, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { Facts } from "@/components/Facts";
import { Page } from "@/components/Page";
import { Progress } from "@/components/Progress";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { Stat, StatRow } from "@/components/Stat";
import { StateBadge } from "@/components/StateBadge";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { type Discount, isBeingMade } from "@/lib/queries/discounts";
import { useMay } from "@/lib/useSession";
import { discountQuery, useDownloadCodes } from "../api";
import { worthOf } from "../value";

/** One discount: how many of its codes are left, how far making them is, and what Shopify refused. */
export function DiscountPage() {
  const { t } = useI18n();
  const { discountId = "" } = useParams();
  const query = useQuery(discountQuery(discountId));
  const download = useDownloadCodes();
  const mayEdit = useMay("edit");
  const discount = query.data;
  return (
    <Page
      title={discount?.title ?? t("discounts.one")}
      {...(discount ? { titleMetadata: <StateBadge state={discount.state} /> } : {})}
      backAction={{ content: t("discounts.title"), url: "/campaigns/discounts" }}
      {...(discount && mayEdit && discount.live > 0
        ? {
            primaryAction: {
              content: t("discounts.download"),
              loading: download.isPending,
              onAction: () => download.mutate(discount),
            },
          }
        : {})}
    >
      <BlockStack gap="400">
        {download.error && <ErrorState error={download.error} title={t("discounts.download_failed")} />}
        <QueryView
          query={query}
          skeleton={
            <LoadingRegion>
              <CardSkeleton lines={6} />
            </LoadingRegion>
          }
        >
          {(data) => <Content discount={data} />}
        </QueryView>
      </BlockStack>
    </Page>
  );
}

function Content({ discount }: { discount: Discount }) {
  const { t, f } = useI18n();
  const { codes, live, leased, redeemed, refused } = discount;
  const left = Math.max(0, live - Math.max(leased, redeemed));
  const refusals: Column<Discount["refusals"][number]>[] = [
    { key: "code", header: t("discounts.code"), cell: (row) => <code>{row.code}</code> },
    { key: "why", header: t("discounts.why"), long: true, cell: (row) => row.error },
  ];
  return (
    <BlockStack gap="400">
      {discount.state === "failed" && (
        <Banner tone="critical" title={t("discounts.failed")}>
          <p>{t("discounts.failed_body", { error: discount.error ?? "" })}</p>
        </Banner>
      )}
      {isBeingMade(discount) && (
        <Card>
          <BlockStack gap="200">
            <Progress label={t("discounts.progress")} done={live + refused} total={codes} />
            <Text as="p" variant="bodySm" tone="subdued">
              {t("discounts.leave")}
            </Text>
          </BlockStack>
        </Card>
      )}
      <StatRow count={3}>
        <Stat
          label={t("discounts.left")}
          value={f.number(left)}
          detail={t("discounts.at_shopify", { done: live, total: codes })}
        />
        <Stat
          label={t("discounts.redeemed")}
          value={f.number(redeemed)}
          detail={t("discounts.redeemed_body")}
        />
        <Stat label={t("discounts.refused")} value={f.number(refused)} />
      </StatRow>
      <Card>
        <BlockStack gap="300">
          <Text as="h2" variant="headingMd">
            {t("discounts.facts")}
          </Text>
          <Facts
            facts={[
              [t("discounts.value"), worthOf(discount, t, f)],
              [t("discounts.once"), t(discount.once_per_customer ? "discounts.yes" : "discounts.no")],
              [t("discounts.starts"), f.date(discount.starts_at)],
              [t("discounts.ends"), discount.ends_at ? f.date(discount.ends_at) : t("discounts.no_end")],
              [t("discounts.example"), <code key="example">{`${discount.prefix}7KQ2MXW4T9RB`}</code>],
              [t("discounts.made"), <TimeAgo key="made" at={discount.created_at} />],
            ]}
          />
        </BlockStack>
      </Card>
      {refused > 0 && (
        <TableCard title={t("discounts.refused_count", { count: refused })}>
          <DataTable
            caption={t("discounts.refused_body")}
            columns={refusals}
            rows={discount.refusals}
            rowKey={(row) => row.code}
          />
        </TableCard>
      )}
    </BlockStack>
  );
}
