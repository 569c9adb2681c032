import { BlockStack, Box, Button, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Column, DataTable } from "@/components/DataTable";
import { ErrorState } from "@/components/ErrorState";
import { TableCard } from "@/components/TableCard";
import type { Translate } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import type { CampaignState, TestArm, VersionTestResult } from "@/lib/api/types";
import { useMay } from "@/lib/useSession";
import { testResultQuery, usePickWinner } from "../variantsApi";
import { letter } from "../versionNames";
import { ConfirmModal } from "./ConfirmModal";

/** How the versions compare, in figures that do not claim more than they know. */
export function TestResultCard({ campaignId, state }: { campaignId: string; state: CampaignState }) {
  const { t, f } = useI18n();
  const query = useQuery(testResultQuery(campaignId));
  const pick = usePickWinner(campaignId);
  const [picked, setPicked] = useState<number | null>(null);
  const maySend = useMay("send");
  const result = query.data;
  if (query.error) return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  if (!result) return null;

  const share = (value: number) =>
    result.metric === "revenue"
      ? f.money({ amount_minor: Math.round(value), currency: result.arms[0]?.revenue.currency ?? "USD" })
      : f.percent(value);
  const isOpen = result.waiting > 0 && result.winner === null && (state === "sending" || state === "paused");
  const columns: Column<TestArm>[] = [
    {
      key: "version",
      header: t("versions.column.version"),
      cell: (arm) => (
        <BlockStack>
          <Text as="span" fontWeight={arm.number === result.winner ? "semibold" : "regular"}>
            {t(arm.number === result.winner ? "versions.winner" : "versions.name", {
              letter: letter(arm.number),
            })}
          </Text>
          <Text as="span" variant="bodySm" tone="subdued">
            {arm.subject}
          </Text>
        </BlockStack>
      ),
    },
    {
      key: "people",
      header: t("versions.column.people"),
      numeric: true,
      cell: (arm) => f.number(arm.recipients),
    },
    {
      key: "estimate",
      header: t(`versions.column.${result.metric}`),
      numeric: true,
      cell: (arm) => share(arm.estimate),
    },
    {
      key: "interval",
      header: t("versions.column.interval"),
      numeric: true,
      cell: (arm) =>
        arm.recipients === 0
          ? "–"
          : t("versions.interval", { low: share(arm.low), high: arm.high == null ? "∞" : share(arm.high) }),
    },
    {
      key: "revenue",
      header: t("versions.column.earned"),
      numeric: true,
      cell: (arm) => f.money(arm.revenue),
    },
    ...(isOpen && maySend
      ? [
          {
            key: "pick",
            header: t("versions.column.pick"),
            cell: (arm: TestArm) => (
              <Button variant="plain" onClick={() => setPicked(arm.number)}>
                {t("versions.pick", { letter: letter(arm.number) })}
              </Button>
            ),
          },
        ]
      : []),
  ];

  return (
    <TableCard title={t("versions.result")}>
      <Box padding="400" paddingBlockStart="0">
        <BlockStack gap="200">
          {pick.error && <ErrorState error={pick.error} title={t("editor.failed")} />}
          <Text as="p" fontWeight="semibold">
            {verdict(t, result)}
          </Text>
          <Text as="p" tone="subdued">
            {next(t, result, (at) => f.dateTime(at))}
          </Text>
        </BlockStack>
      </Box>
      <DataTable
        caption={t("versions.result")}
        columns={columns}
        rows={result.arms}
        rowKey={(arm) => arm.number}
      />
      {picked !== null && (
        <ConfirmModal
          title={t("versions.pick_title", { letter: letter(picked), count: result.waiting })}
          body={t(
            result.significant && result.leader === picked ? "versions.pick_sure" : "versions.pick_unsure",
          )}
          action={t("versions.pick", { letter: letter(picked) })}
          busy={pick.isPending}
          confirm={() => pick.mutate(picked, { onSettled: () => setPicked(null) })}
          close={() => setPicked(null)}
        />
      )}
    </TableCard>
  );
}

function verdict(t: Translate, result: VersionTestResult): string {
  if (result.winner !== null) {
    const words = result.winner_by === "hand" ? "versions.verdict.hand" : "versions.verdict.won";
    return t(words, { letter: letter(result.winner) });
  }
  if (result.leader === null) return t("versions.verdict.level");
  if (result.significant) return t("versions.verdict.better", { letter: letter(result.leader) });
  return t("versions.verdict.open", { letter: letter(result.leader), count: result.more_needed ?? 0 });
}

function next(t: Translate, result: VersionTestResult, at: (instant: string) => string): string {
  if (result.phase === "even") return t("versions.next.even");
  if (result.phase === "decided") return t("versions.next.decided");
  if (result.judged_at === null) return t("versions.next.hand", { count: result.waiting });
  return t("versions.next.look", { time: at(result.judged_at), count: result.waiting });
}
