import {
  Banner,
  BlockStack,
  Box,
  Button,
  Card,
  Checkbox,
  InlineGrid,
  InlineStack,
  Select,
  Text,
  TextField,
} from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { Facts } from "@/components/Facts";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import { settingsQuery } from "@/lib/queries/settings";
import { useDebounced } from "@/lib/useDebounced";
import {
  type ContactField,
  type ContactFile,
  type ContactMapping,
  type ContactPreviewRow,
  FIELDS,
  previewQuery,
  useStartImport,
} from "../importsApi";

/** What the columns of a file mean, and what its first rows become by that. */
export function MappingForm({ file }: { file: ContactFile }) {
  const { t } = useI18n();
  const start = useStartImport(file.id);
  const [columns, setColumns] = useState<Record<string, ContactField>>(() =>
    Object.fromEntries(
      file.columns.flatMap(({ suggested }, index) => (suggested ? [[String(index), suggested]] : [])),
    ),
  );
  const [hasTitles, setTitles] = useState(true);
  const [source, setSource] = useState("");
  const [confirm, setConfirm] = useState(true);
  const asks = useQuery(settingsQuery).data?.double_opt_in === true;
  const fields = Object.values(columns);
  const mapping: ContactMapping = {
    columns,
    has_titles: hasTitles,
    consent_source: source.trim() || null,
    ...(asks && confirm && fields.includes("consent") ? { confirm: true } : {}),
  };
  const settled = useDebounced(mapping, 400);
  const missing = !fields.includes("email");

  function set(index: number, field: string) {
    const others = Object.entries(columns).filter(([at, taken]) => at !== String(index) && taken !== field);
    setColumns(Object.fromEntries(field ? [...others, [String(index), field as ContactField]] : others));
  }

  return (
    <BlockStack gap="400">
      {start.error && <ErrorState error={start.error} title={t("imports.not_started")} />}
      <Card>
        <BlockStack gap="400">
          <Text as="h2" variant="headingMd">
            {t("imports.columns")}
          </Text>
          <InlineGrid columns={{ xs: 1, sm: 2, lg: 3 }} gap="400">
            {file.columns.map((column, index) => (
              <Select
                // biome-ignore lint/suspicious/noArrayIndexKey: titles may be equal; the place of a column is its name
                key={index}
                label={column.title || t("imports.untitled", { number: index + 1 })}
                options={[
                  { value: "", label: t("imports.field.skip") },
                  ...FIELDS.map((field) => ({ value: field, label: t(`imports.field.${field}`) })),
                ]}
                value={columns[index] ?? ""}
                onChange={(field) => set(index, field)}
                helpText={column.samples.filter(Boolean).join(" · ") || "–"}
              />
            ))}
          </InlineGrid>
          <Checkbox label={t("imports.has_titles")} checked={hasTitles} onChange={setTitles} />
          {fields.includes("consent") && (
            <TextField
              label={t("imports.consent_source")}
              helpText={t("imports.consent_source_help")}
              value={source}
              onChange={setSource}
              maxLength={120}
              autoComplete="off"
            />
          )}
          {fields.includes("consent") && (
            <Checkbox
              label={t("imports.confirm")}
              helpText={t(asks ? "imports.confirm_help" : "imports.confirm_off")}
              checked={asks && confirm}
              disabled={!asks}
              onChange={setConfirm}
            />
          )}
          {missing && (
            <Text as="p" tone="critical">
              {t("imports.email_missing")}
            </Text>
          )}
          <Banner tone="info">
            <p>{t("imports.rules")}</p>
          </Banner>
          <InlineStack align="end">
            <Button
              variant="primary"
              disabled={missing}
              loading={start.isPending}
              onClick={() => start.mutate(mapping)}
            >
              {t("imports.start", { count: (file.lines ?? 0) - (hasTitles ? 1 : 0) })}
            </Button>
          </InlineStack>
        </BlockStack>
      </Card>
      {!missing && Object.values(settled.columns).includes("email") && (
        <Preview id={file.id} mapping={settled} />
      )}
    </BlockStack>
  );
}

function Preview({ id, mapping }: { id: string; mapping: ContactMapping }) {
  const { t, f } = useI18n();
  const query = useQuery(previewQuery(id, mapping));
  const shown: Column<ContactPreviewRow>[] = [
    { key: "line", header: t("lists.line"), cell: (row) => f.number(row.line) },
    {
      key: "email",
      header: t("imports.field.email"),
      cell: (row) =>
        row.reason === null ? (
          row.email
        ) : (
          <Text as="span" tone="critical">
            {t.code("contact_refusal", row.reason)}
          </Text>
        ),
    },
    {
      key: "name",
      header: t("customers.column.name"),
      cell: (row) => [row.first_name, row.last_name].filter(Boolean).join(" ") || "–",
    },
    { key: "phone", header: t("imports.field.phone"), cell: (row) => row.phone ?? "–" },
    { key: "tags", header: t("imports.field.tags"), cell: (row) => row.tags.join(", ") || "–" },
    {
      key: "consent",
      header: t("imports.field.consent"),
      cell: (row) =>
        row.consent_state && row.consent_at
          ? `${t.code("consent", row.consent_state)}, ${f.date(row.consent_at)}`
          : "–",
    },
  ];
  return (
    <QueryView query={query} skeleton={<TableSkeleton rows={5} />}>
      {(preview) => {
        const refused = Object.values(preview.refused).reduce((sum, count) => sum + count, 0);
        return (
          <TableCard title={t("imports.preview", { count: preview.looked_at, refused: f.number(refused) })}>
            {refused > 0 && (
              <Box padding="400" paddingBlockStart="0">
                <Facts
                  facts={Object.entries(preview.refused).map(([reason, count]) => [
                    t.code("contact_refusal", reason),
                    f.number(count),
                  ])}
                />
              </Box>
            )}
            <DataTable
              caption={t("imports.preview_rows")}
              columns={shown}
              rows={preview.rows}
              rowKey={(row) => String(row.line)}
            />
          </TableCard>
        );
      }}
    </QueryView>
  );
}
