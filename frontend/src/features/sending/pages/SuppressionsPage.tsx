import { BlockStack, Box, Button, Card, Text, TextField } from "@shopify/polaris";
import { XCircleIcon } from "@shopify/polaris-icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { ActModal } from "@/components/ActModal";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateTabs } from "@/components/StateTabs";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { fieldError } from "@/lib/fieldErrors";
import { useMay } from "@/lib/useSession";
import {
  REASONS,
  type Suppression,
  suppressionsQuery,
  useAddSuppression,
  useLiftSuppression,
} from "../recipientsApi";

/** Addresses that get no marketing, with who said so. What is searched for stays out of the address bar. */
export function SuppressionsPage() {
  const { t } = useI18n();
  const mayEdit = useMay("edit");
  const [params] = useSearchParams();
  const reason = REASONS.find((each) => each === params.get("reason")) ?? null;
  const [typed, setTyped] = useState("");
  const [email, setEmail] = useState("");
  const [isAdding, setAdding] = useState(false);
  const query = useInfiniteQuery(suppressionsQuery(email, reason));
  const isFiltered = email !== "" || reason !== null;
  return (
    <Page
      title={t("suppressions.title")}
      subtitle={t("suppressions.subtitle")}
      backAction={{ content: t("sending.title"), url: "/settings/sending" }}
      {...(mayEdit
        ? { primaryAction: { content: t("suppressions.add"), onAction: () => setAdding(true) } }
        : {})}
    >
      <BlockStack gap="400">
        <Card>
          <BlockStack gap="300">
            <form
              onSubmit={(event) => {
                event.preventDefault();
                setEmail(typed.trim());
              }}
            >
              <TextField
                label={t("suppressions.search")}
                type="email"
                value={typed}
                autoComplete="off"
                clearButton
                onClearButtonClick={() => {
                  setTyped("");
                  setEmail("");
                }}
                onChange={setTyped}
                connectedRight={<Button submit>{t("suppressions.find")}</Button>}
              />
            </form>
            <Text as="p" tone="subdued">
              {t("suppressions.digests")}
            </Text>
          </BlockStack>
        </Card>
        <Box paddingInline={{ xs: "400", sm: "0" }}>
          <StateTabs
            label={t("suppressions.reason")}
            param="reason"
            tabs={[
              { value: "", label: t("suppressions.all") },
              ...REASONS.map((value) => ({ value, label: t(`suppression_reason.${value}`) })),
            ]}
          />
        </Box>
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={(data) => data.pages[0]?.items.length === 0}
          empty={
            <EmptyState
              icon={XCircleIcon}
              title={isFiltered ? t("suppressions.none_found") : t("suppressions.none")}
            >
              {isFiltered ? t("suppressions.none_found_body") : t("suppressions.none_body")}
            </EmptyState>
          }
        >
          {(data) => (
            <TableCard
              loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
              loadingMore={query.isFetchingNextPage}
            >
              <Entries rows={data.pages.flatMap((page) => page.items)} />
            </TableCard>
          )}
        </QueryView>
      </BlockStack>
      {isAdding && <AddModal onClose={() => setAdding(false)} />}
    </Page>
  );
}

function Entries({ rows }: { rows: readonly Suppression[] }) {
  const { t } = useI18n();
  const mayManage = useMay("manage");
  const [lifted, setLifted] = useState<Suppression | null>(null);
  const columns: Column<Suppression>[] = [
    { key: "reason", header: t("suppressions.reason"), cell: (row) => t(`suppression_reason.${row.reason}`) },
    { key: "source", header: t("suppressions.source"), cell: (row) => <Source of={row} /> },
    { key: "since", header: t("suppressions.since"), cell: (row) => <TimeAgo at={row.created_at} /> },
    { key: "digest", header: t("suppressions.digest"), cell: (row) => <code>{row.id.slice(0, 12)}…</code> },
    ...(mayManage
      ? [
          {
            key: "lift",
            header: "",
            corner: true,
            cell: (row: Suppression) => (
              <Button
                variant="tertiary"
                accessibilityLabel={t("suppressions.lift_of", { entry: row.id.slice(0, 12) })}
                onClick={() => setLifted(row)}
              >
                {t("suppressions.lift")}
              </Button>
            ),
          },
        ]
      : []),
  ];
  return (
    <>
      <DataTable caption={t("suppressions.title")} columns={columns} rows={rows} rowKey={(row) => row.id} />
      {lifted && <LiftModal entry={lifted} onClose={() => setLifted(null)} />}
    </>
  );
}

function Source({ of }: { of: Suppression }) {
  const { t } = useI18n();
  if (of.source.startsWith("campaign ")) return <>{t("suppressions.campaign")}</>;
  const [kind, who] = of.source.split(":");
  return (
    <>{who ? t("suppressions.you", { who }) : t.code("suppression_source", kind ?? "", {}, of.source)}</>
  );
}

function AddModal({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const add = useAddSuppression();
  const [email, setEmail] = useState("");
  return (
    <ActModal
      title={t("suppressions.add")}
      consequence={t("suppressions.add_body")}
      action={t("suppressions.add")}
      error={add.error}
      pointers={["/email"]}
      isPending={add.isPending}
      onAct={() => add.mutate(email.trim(), { onSuccess: onClose })}
      onClose={onClose}
    >
      <TextField
        label={t("suppressions.email")}
        type="email"
        value={email}
        autoComplete="off"
        error={fieldError(add.error, "/email")}
        onChange={setEmail}
      />
    </ActModal>
  );
}

function LiftModal({ entry, onClose }: { entry: Suppression; onClose: () => void }) {
  const { t } = useI18n();
  const lift = useLiftSuppression();
  return (
    <ActModal
      title={t("suppressions.lift_title")}
      consequence={t("suppressions.lift_body", { reason: t(`suppression_reason.${entry.reason}`) })}
      action={t("suppressions.lift")}
      destructive
      error={lift.error}
      isPending={lift.isPending}
      onAct={() => lift.mutate(entry.id, { onSuccess: onClose })}
      onClose={onClose}
    />
  );
}
