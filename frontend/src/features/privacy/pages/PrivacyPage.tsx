import { Banner, BlockStack, Box, Button, Text } from "@shopify/polaris";
import { LockIcon } from "@shopify/polaris-icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import { type NewPrivacyRequest, type PrivacyRequest, requestsQuery } from "../api";
import { AccessCard } from "../components/AccessCard";
import { AskModal } from "../components/AskModal";
import { ProofModal } from "../components/ProofModal";
import { RetentionCard } from "../components/RetentionCard";
import { StateCell } from "../components/StateCell";

/** Requests for people's data and its erasure, with proof; how long data is kept and who looked at it. */
export function PrivacyPage() {
  const { t } = useI18n();
  if (useMay("manage")) return <ManagedPrivacyPage />;
  return (
    <Page
      title={t("privacy.title")}
      subtitle={t("privacy.subtitle")}
      backAction={{ content: t("nav.settings"), url: "/settings" }}
    >
      <Banner tone="info" title={t("privacy.not_allowed")}>
        <p>{t("privacy.not_allowed_body")}</p>
      </Banner>
    </Page>
  );
}

function ManagedPrivacyPage() {
  const { t } = useI18n();
  const query = useInfiniteQuery(requestsQuery);
  const [asking, setAsking] = useState<NewPrivacyRequest["kind"] | null>(null);
  const [params, setParams] = useSearchParams();
  const opened = Number(params.get("request")) || null;
  return (
    <Page
      title={t("privacy.title")}
      subtitle={t("privacy.subtitle")}
      backAction={{ content: t("nav.settings"), url: "/settings" }}
      primaryAction={{ content: t("privacy.ask.data_request"), onAction: () => setAsking("data_request") }}
      secondaryActions={[
        {
          content: t("privacy.ask.customer_redact"),
          destructive: true,
          onAction: () => setAsking("customer_redact"),
        },
      ]}
    >
      <BlockStack gap="400">
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={(data) => data.pages.every((page) => page.items.length === 0)}
          empty={
            <EmptyState
              icon={LockIcon}
              title={t("privacy.empty.title")}
              action={
                <Button onClick={() => setAsking("data_request")}>{t("privacy.ask.data_request")}</Button>
              }
            >
              {t("privacy.empty.body")}
            </EmptyState>
          }
        >
          {(data) => (
            <Requests
              requests={data.pages.flatMap((page) => page.items)}
              loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
              isLoadingMore={query.isFetchingNextPage}
            />
          )}
        </QueryView>
        <RetentionCard />
        <AccessCard />
      </BlockStack>
      {asking && <AskModal kind={asking} onClose={() => setAsking(null)} />}
      {opened && <ProofModal key={opened} id={opened} onClose={() => setParams({}, { replace: true })} />}
    </Page>
  );
}

interface Props {
  requests: readonly PrivacyRequest[];
  loadMore: (() => void) | undefined;
  isLoadingMore: boolean;
}

function Requests({ requests, loadMore, isLoadingMore }: Props) {
  const { t, f } = useI18n();
  const open = requests.filter((request) => request.state === "received");
  const overdue = open.filter((request) => request.urgency === "overdue").length;
  const columns: Column<PrivacyRequest>[] = [
    { key: "kind", header: t("privacy.column.kind"), cell: (request) => t(`privacy.kind.${request.kind}`) },
    {
      key: "state",
      header: t("privacy.column.state"),
      cell: (request) => <StateCell request={request} />,
    },
    {
      key: "by",
      header: t("privacy.column.asked_by"),
      cell: (request) => t(`privacy.by.${request.asked_by}`),
    },
    {
      key: "received",
      header: t("privacy.column.received"),
      cell: (request) => <TimeAgo at={request.received_at} />,
    },
    { key: "due", header: t("privacy.column.due"), cell: (request) => f.date(request.due_at) },
    {
      key: "archive",
      header: t("privacy.column.archive"),
      cell: (request) =>
        request.archive ? t("privacy.archive_until", { until: f.date(request.archive.until) }) : "–",
    },
  ];
  return (
    <BlockStack gap="400">
      <div aria-live="polite">
        <Box paddingInline={{ xs: "400", sm: "0" }}>
          <Text as="h2" variant="headingLg" {...(overdue > 0 ? { tone: "critical" as const } : {})}>
            {overdue > 0
              ? t("privacy.overdue", { count: overdue })
              : open.length > 0
                ? t("privacy.open", { count: open.length })
                : t("privacy.all_done")}
          </Text>
        </Box>
      </div>
      <TableCard title={t("privacy.requests")} loadMore={loadMore} loadingMore={isLoadingMore}>
        <DataTable
          caption={t("privacy.requests")}
          columns={columns}
          rows={requests}
          rowKey={(request) => request.id}
          rowHref={(request) => `?request=${request.id}`}
        />
      </TableCard>
    </BlockStack>
  );
}
