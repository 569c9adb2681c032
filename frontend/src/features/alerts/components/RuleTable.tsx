import { Badge, type BadgeProps, BlockStack, InlineStack, Link, Text } from "@shopify/polaris";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { type RowAction, RowMenu } from "@/components/RowMenu";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { formatAmount } from "@/lib/amount";
import { useNow } from "@/lib/useNow";
import { useMay } from "@/lib/useSession";
import { type AlertRule, useDeleteRule, useEnableRule, useMuteRule } from "../api";
import { conditionWords, isMuted, metricWords } from "../words";

const RANK: Record<AlertRule["state"], number> = { firing: 0, pending: 1, unknown: 2, ok: 3 };
const TONES: Record<AlertRule["state"], BadgeProps["tone"]> = {
  firing: "critical",
  pending: "warning",
  unknown: "attention",
  ok: "success",
};
const HOUR_MS = 3_600_000;
const MUTE_HOURS = [1, 8, 24] as const;

interface Props {
  rules: readonly AlertRule[];
  onEdit: (rule: AlertRule) => void;
}

export function RuleTable({ rules, onEdit }: Props) {
  const { t, f } = useI18n();
  const now = useNow(30_000);
  const mayOperate = useMay("operate");
  const mute = useMuteRule();
  const enable = useEnableRule();
  const remove = useDeleteRule();
  const [doomed, setDoomed] = useState<AlertRule | null>(null);
  const failure = mute.error ?? enable.error;
  const rows = [...rules].sort(
    (a, b) => Number(b.enabled) - Number(a.enabled) || RANK[a.state] - RANK[b.state],
  );

  function actionsOf(rule: AlertRule): RowAction[] {
    return [
      { content: t("alerts.edit"), onAction: () => onEdit(rule) },
      ...(isMuted(rule, now)
        ? [{ content: t("alerts.unmute"), onAction: () => mute.mutate({ id: rule.id, until: null }) }]
        : MUTE_HOURS.map((count) => ({
            content: t("alerts.mute_for", { count }),
            onAction: () =>
              mute.mutate({ id: rule.id, until: new Date(Date.now() + count * HOUR_MS).toISOString() }),
          }))),
      {
        content: rule.enabled ? t("alerts.disable") : t("alerts.enable"),
        onAction: () => enable.mutate({ id: rule.id, enabled: !rule.enabled }),
      },
      { content: t("alerts.delete"), destructive: true, onAction: () => setDoomed(rule) },
    ];
  }

  const columns: Column<AlertRule>[] = [
    {
      key: "title",
      header: t("alerts.column.rule"),
      cell: (rule) => (
        <BlockStack>
          <span>{rule.title}</span>
          <Text as="span" variant="bodySm" tone="subdued">
            {metricWords(rule, t)}
          </Text>
        </BlockStack>
      ),
    },
    {
      key: "state",
      header: t("alerts.column.state"),
      cell: (rule) => (
        <BlockStack gap="050">
          <InlineStack gap="100">
            {rule.enabled ? (
              <Badge tone={TONES[rule.state]}>{t(`alerts.state.${rule.state}`)}</Badge>
            ) : (
              <Badge>{t("alerts.off")}</Badge>
            )}
            {isMuted(rule, now) && (
              <Badge tone="attention">
                {t("alerts.muted", { time: f.relative(rule.muted_until ?? "", now) })}
              </Badge>
            )}
          </InlineStack>
          {rule.enabled && (
            <Text as="span" variant="bodySm" tone="subdued">
              {t("alerts.since")} <TimeAgo at={rule.state_since} />
            </Text>
          )}
        </BlockStack>
      ),
    },
    {
      key: "value",
      header: t("alerts.column.value"),
      numeric: true,
      cell: (rule) => <strong>{formatAmount(rule.last_value, rule.unit, t, f)}</strong>,
    },
    {
      key: "condition",
      header: t("alerts.column.condition"),
      cell: (rule) => conditionWords(rule, t, f),
    },
    {
      key: "fired",
      header: t("alerts.column.fired"),
      cell: (rule) => <TimeAgo at={rule.last_fired_at} />,
    },
    {
      key: "link",
      header: t("alerts.column.link"),
      cell: (rule) => (
        <Link url={rule.link} removeUnderline accessibilityLabel={t("alerts.show_of", { title: rule.title })}>
          {t("alerts.show")}
        </Link>
      ),
    },
    ...(mayOperate
      ? [
          {
            key: "actions",
            header: t("queue_page.actions"),
            corner: true,
            cell: (rule: AlertRule) => (
              <RowMenu label={t("alerts.actions_of", { title: rule.title })} actions={actionsOf(rule)} />
            ),
          },
        ]
      : []),
  ];

  return (
    <>
      {failure && <ErrorState error={failure} title={t("act.refused")} />}
      <TableCard>
        <DataTable caption={t("alerts.title")} columns={columns} rows={rows} rowKey={(rule) => rule.id} />
      </TableCard>
      {doomed && (
        <ActModal
          title={t("alerts.delete_title", { title: doomed.title })}
          consequence={t("alerts.delete_body")}
          action={t("alerts.delete")}
          destructive
          error={remove.error}
          isPending={remove.isPending}
          onAct={() => remove.mutate(doomed.id, { onSuccess: () => setDoomed(null) })}
          onClose={() => setDoomed(null)}
        />
      )}
    </>
  );
}
