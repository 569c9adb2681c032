import { Banner, BlockStack, Box, Button, SkeletonBodyText, Text } from "@shopify/polaris";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useActor } from "@/lib/useActor";
import { useMay } from "@/lib/useSession";
import {
  type CustomerDetail,
  creditAllowedQuery,
  creditBalanceQuery,
  type StoreCredit,
  type StoreCreditBalance,
  storeCreditQuery,
} from "../api";
import { CreditModal } from "./CreditModal";

type Money = StoreCreditBalance["accounts"][number]["given"];

/** The product's words and colours for where a credit stands. */
const BADGES = {
  planned: "queued",
  sent: "running",
  unknown: "unknown",
  done: "done",
  refused: "failed",
} as const;

/** What a customer has at Shopify, what they were given through Storecast and what became of it; giving more needs the permission and the scope. */
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
              {allowed.data === true && (
                <Box paddingInline="400" paddingBlockEnd="400">
                  <Balance
                    customer={customer}
                    settled={rows.filter((row) => row.settled_at !== null).length}
                  />
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
            </TableCard>
          );
        }}
      </QueryView>
      {isGiving && <CreditModal customer={customer} onClose={() => setGiving(false)} />}
    </>
  );
}

/** What the customer has, from Shopify, and beside it what was given through Storecast: other hands give and take too. */
function Balance({ customer, settled }: { customer: CustomerDetail; settled: number }) {
  const { t, f } = useI18n();
  const query = useQuery(creditBalanceQuery(customer.id, settled));
  if (query.isPending) return <SkeletonBodyText lines={2} />;
  if (query.isError)
    return (
      <ErrorState error={query.error} title={t("credit.balance_error")} retry={() => void query.refetch()} />
    );
  const { accounts, read_at } = query.data;
  const sum = (amounts: (Money | null)[]) =>
    amounts
      .filter((amount) => amount !== null)
      .map((amount) => f.money(amount))
      .join(" + ");
  const given = sum(accounts.map((account) => account.given).filter(({ amount_minor }) => amount_minor > 0));
  const coming = sum(
    accounts.map((account) => account.on_its_way).filter(({ amount_minor }) => amount_minor > 0),
  );
  const balance = sum(accounts.map((account) => account.balance));
  return (
    <BlockStack gap="050">
      <Text as="p" fontWeight="semibold">
        {balance ? t("credit.balance", { amount: balance }) : t("credit.no_balance")}
      </Text>
      {given && (
        <Text as="p" tone="subdued">
          {t("credit.given", { amount: given })}
        </Text>
      )}
      {coming && (
        <Text as="p" tone="subdued">
          {t("credit.coming", { amount: coming })}
        </Text>
      )}
      <Text as="p" variant="bodySm" tone="subdued">
        {t("credit.balance_at")} <TimeAgo at={read_at} />
      </Text>
    </BlockStack>
  );
}
