import { BlockStack, Button, InlineStack, Text } from "@shopify/polaris";
import { useMutation, useQuery } from "@tanstack/react-query";
import { DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { Facts } from "@/components/Facts";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { CustomerList, RefusedRow } from "@/lib/api/types";
import { saveCsv } from "@/lib/download";
import { allRefusals, refusalsQuery } from "../api";

const SHOWN = 20;

/** Which rows of a file were refused and why: the first here, all of them as a file. */
export function ListReport({ list }: { list: CustomerList }) {
  const { t, f } = useI18n();
  const query = useQuery(refusalsQuery(list.id));
  const download = useMutation({
    mutationFn: () => allRefusals(list.id),
    onSuccess: (rows) =>
      saveCsv(
        [
          [t("lists.line"), t("lists.reason")],
          ...rows.map((row) => [row.line, t.code("refusal", row.reason)]),
        ],
        `${list.name}.csv`,
      ),
  });
  return (
    <BlockStack gap="300">
      <Facts
        facts={Object.entries(list.refused).map(([reason, count]) => [
          t.code("refusal", reason),
          f.number(count),
        ])}
      />
      <QueryView query={query} skeleton={<TableSkeleton rows={3} />}>
        {(page) => (
          <DataTable
            caption={t("lists.report")}
            columns={[
              { key: "line", header: t("lists.line"), cell: (row: RefusedRow) => f.number(row.line) },
              { key: "reason", header: t("lists.reason"), cell: (row) => t.code("refusal", row.reason) },
            ]}
            rows={page.items.slice(0, SHOWN)}
            rowKey={(row) => String(row.line)}
          />
        )}
      </QueryView>
      {list.refused_count > SHOWN && (
        <Text as="p" variant="bodySm" tone="subdued">
          {t("lists.first_rows", { count: SHOWN })}
        </Text>
      )}
      {download.error && <ErrorState error={download.error} />}
      <InlineStack>
        <Button loading={download.isPending} onClick={() => download.mutate()}>
          {t("lists.download")}
        </Button>
      </InlineStack>
    </BlockStack>
  );
}
