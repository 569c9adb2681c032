import { Banner, BlockStack, Button, InlineStack, Modal, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { Facts } from "@/components/Facts";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import {
  type PrivacyRequestDetail,
  requestQuery,
  type TableProof,
  useDownload,
  usePassphrase,
  useRerun,
} from "../api";
import { StateCell } from "./StateCell";

/** A request with its proof, and what can be done with it. */
export function ProofModal({ id, onClose }: { id: number; onClose: () => void }) {
  const { t } = useI18n();
  const query = useQuery(requestQuery(id));
  return (
    <Modal open onClose={onClose} title={t("privacy.request", { id: String(id) })}>
      <Modal.Section>
        <QueryView
          query={query}
          skeleton={
            <LoadingRegion>
              <CardSkeleton lines={5} />
            </LoadingRegion>
          }
        >
          {(request) => <Content request={request} />}
        </QueryView>
      </Modal.Section>
    </Modal>
  );
}

function Content({ request }: { request: PrivacyRequestDetail }) {
  const { t, f } = useI18n();
  const rerun = useRerun();
  return (
    <BlockStack gap="400">
      {rerun.error && <ErrorState error={rerun.error} title={t("privacy.not_rerun")} />}
      <Facts
        facts={[
          [t("privacy.column.kind"), t(`privacy.kind.${request.kind}`)],
          [t("privacy.column.asked_by"), t(`privacy.by.${request.asked_by}`)],
          [t("privacy.column.state"), <StateCell key="state" request={request} />],
          [t("privacy.column.received"), <TimeAgo key="received" at={request.received_at} />],
          [t("privacy.column.due"), f.date(request.due_at)],
        ]}
      />
      {request.archive && <ArchiveActions request={request} />}
      {request.can_rerun && (
        <InlineStack>
          <Button loading={rerun.isPending} onClick={() => rerun.mutate(request.id)}>
            {t(request.state === "received" ? "privacy.run_now" : "privacy.run_again")}
          </Button>
        </InlineStack>
      )}
      <Proof request={request} />
    </BlockStack>
  );
}

function ArchiveActions({ request }: { request: PrivacyRequestDetail }) {
  const { t, f } = useI18n();
  const download = useDownload();
  const passphrase = usePassphrase();
  const [isCopied, setCopied] = useState(false);
  const shown = passphrase.data?.passphrase;
  return (
    <BlockStack gap="300">
      {(download.error ?? passphrase.error) && (
        <ErrorState error={download.error ?? passphrase.error} title={t("privacy.archive_failed")} />
      )}
      <Text as="p">{t("privacy.archive", { until: f.date(request.archive?.until ?? request.due_at) })}</Text>
      {shown ? (
        <Banner tone="warning" title={t("privacy.passphrase_once")}>
          <InlineStack gap="200" blockAlign="center">
            <code>{shown}</code>
            <Button
              size="slim"
              onClick={() => {
                void navigator.clipboard?.writeText(shown);
                setCopied(true);
              }}
            >
              {isCopied ? t("action.copied") : t("action.copy")}
            </Button>
          </InlineStack>
        </Banner>
      ) : (
        !request.archive?.passphrase_waits && (
          <Text as="p" tone="subdued">
            {t("privacy.passphrase_gone")}
          </Text>
        )
      )}
      <InlineStack gap="200">
        <Button variant="primary" loading={download.isPending} onClick={() => download.mutate(request.id)}>
          {t("privacy.download")}
        </Button>
        {!shown && request.archive?.passphrase_waits && (
          <Button loading={passphrase.isPending} onClick={() => passphrase.mutate(request.id)}>
            {t("privacy.show_passphrase")}
          </Button>
        )}
      </InlineStack>
    </BlockStack>
  );
}

function Proof({ request }: { request: PrivacyRequestDetail }) {
  const { t, f } = useI18n();
  const rows = request.proof.filter((row) => row.before > 0 || row.after > 0);
  const columns: Column<TableProof>[] = [
    { key: "table", header: t("privacy.column.table"), cell: (row) => t.code("data", row.table) },
    {
      key: "before",
      header: t("privacy.column.before"),
      numeric: true,
      cell: (row) => f.number(row.before),
    },
    { key: "after", header: t("privacy.column.after"), numeric: true, cell: (row) => f.number(row.after) },
  ];
  if (request.refused) return <Banner tone="warning">{t("privacy.refused")}</Banner>;
  return (
    <BlockStack gap="200">
      <Text as="h3" variant="headingSm">
        {t("privacy.proof")}
      </Text>
      <Text as="p" tone="subdued">
        {rows.length === 0
          ? t(request.state === "done" ? "privacy.nothing_held" : "privacy.not_yet")
          : t("privacy.checked", { count: request.proof.length })}
      </Text>
      {rows.length > 0 && (
        <DataTable caption={t("privacy.proof")} columns={columns} rows={rows} rowKey={(row) => row.table} />
      )}
    </BlockStack>
  );
}
