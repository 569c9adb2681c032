import { Banner, BlockStack, Box, Button, Text } from "@shopify/polaris";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Column, DataTable } from "@/components/DataTable";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useActor } from "@/lib/useActor";
import { useMay } from "@/lib/useSession";
import { type CustomerDetail, creditAllowedQuery, type StoreCredit, storeCreditQuery } from "../api";
import { CreditModal } from "./CreditModal";

/** The product's words and colours for where a credit stands. */
const BADGES = {
  planned: "queued",
  sent: "running",
  unknown: "unknown",
  done: "done",
  refused: "failed",
} as const;

/** What a customer was given through Storecast and what became of it; giving more needs the permission and the scope. */
export function StoreCreditCard({ customer }: { customer: CustomerDetail }) {
  const { t, f } = useI18n();
  const actor = useActor();
  const may = useMay("manage");
  const query = useInfiniteQuery(storeCreditQuery(customer.id));
  const allowed = useQuery(creditAllowedQuery);
  const [isGiving, setGiving] = useState(false);
  const columns: Column<StoreCredit>[] = [
    { key: "amount", header: t("credit.amount"), cell: (row) => f.money(row.amount) },
    {
      key: "state",
      header: t("credit.state"),
      cell: (row) => <StateBadge state={BADGES[row.state]} label={t(`credit.state.${row.state}`)} />,
    },
    { key: "at", header: t("credit.at"), cell: (row) => <TimeAgo at={row.created_at} /> },
    { key: "by", header: t("credit.by"), cell: (row) => actor(row.created_by) },
    {
      key: "expires",
      header: t("credit.expires"),
      cell: (row) => (row.expires_at ? f.date(row.expires_at) : t("credit.never")),
    },
    {
      key: "reason",
      header: t("credit.reason"),
      long: true,
      cell: (row) => [row.reason, row.error].filter(Boolean).join(" · ") || "–",
    },
  ];
  return (
    <>
      <QueryView query={query} skeleton={<TableSkeleton rows={3} />}>
        {(data) => {
          const rows = data.pages.flatMap((page) => page.items);
          return (
            <TableCard
              title={t("credit.title")}
              {...(may && allowed.data
                ? { actions: <Button onClick={() => setGiving(true)}>{t("credit.give")}</Button> }
                : {})}
              loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
              loadingMore={query.isFetchingNextPage}
            >
              {allowed.data === false && (
                <Box paddingInline="400" paddingBlockEnd="400">
                  <Banner
                    tone="info"
                    title={t("credit.not_allowed")}
                    {...(may
                      ? { action: { content: t("credit.to_settings"), url: "/settings#access" } }
                      : {})}
                  >
                    <p>{t("credit.not_allowed_body")}</p>
                  </Banner>
                </Box>
              )}
              {rows.length > 0 ? (
                <DataTable
                  caption={t("credit.title")}
                  columns={columns}
                  rows={rows}
                  rowKey={(row) => row.id}
                />
              ) : (
                allowed.data !== false && (
                  <Box paddingInline="400" paddingBlockEnd="400">
                    <Text as="p" tone="subdued">
                      {t("credit.none")}
                    </Text>
                  </Box>
                )
              )}
              {rows.length > 0 && !query.hasNextPage && <Given rows={rows} />}
            </TableCard>
          );
        }}
      </QueryView>
      {isGiving && <CreditModal customer={customer} onClose={() => setGiving(false)} />}
    </>
  );
}

/** What has arrived of it, by currency. What was spent of it Shopify alone knows. */
function Given({ rows }: { rows: readonly StoreCredit[] }) {
  const { t, f } = useI18n();
  const sums = new Map<string, number>();
  for (const { amount, state } of rows)
    if (state === "done") sums.set(amount.currency, (sums.get(amount.currency) ?? 0) + amount.amount_minor);
  if (sums.size === 0) return null;
  const given = [...sums].map(([currency, amount_minor]) => f.money({ amount_minor, currency })).join(" + ");
  return (
    <Box padding="400" borderBlockStartWidth="025" borderColor="border-secondary">
      <BlockStack gap="050">
        <Text as="p" fontWeight="semibold">
          {t("credit.given", { amount: given })}
        </Text>
        <Text as="p" variant="bodySm" tone="subdued">
          {t("credit.given_body")}
        </Text>
      </BlockStack>
    </Box>
  );
}
