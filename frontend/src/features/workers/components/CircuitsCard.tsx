import { Badge, BlockStack, Box, Button, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useLocation } from "react-router";
import { ActModal } from "@/components/ActModal";
import { type Column, DataTable } from "@/components/DataTable";
import { Meter } from "@/components/Meter";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import { type Circuit, circuitsQuery, useCloseCircuit } from "../api";

const WORST_FIRST = ["open", "half_open", "closed"];
const TONES = { open: "critical", half_open: "warning", closed: "success" } as const;

/** The hosts that Storecast calls: which of them is cut off after failures, and how many repetitions are left. */
export function CircuitsCard() {
  const { t } = useI18n();
  const query = useQuery(circuitsQuery);
  const mayOperate = useMay("operate");
  const close = useCloseCircuit();
  const [host, setHost] = useState<string | null>(null);
  const card = useRef<HTMLDivElement>(null);
  const { hash } = useLocation();
  const isThere = query.data !== undefined;

  // Alerts and the health strip lead to this card; the router does not scroll to what arrives later.
  useEffect(() => {
    if (isThere && hash === "#circuits") card.current?.scrollIntoView({ block: "start" });
  }, [isThere, hash]);

  const columns: Column<Circuit>[] = [
    { key: "host", header: t("circuits.host"), cell: (row) => row.host },
    {
      key: "state",
      header: t("workers.column.state"),
      cell: (row) => <Badge tone={TONES[row.state]}>{t(`circuits.state.${row.state}`)}</Badge>,
    },
    { key: "failures", header: t("circuits.failures"), numeric: true, cell: (row) => row.failures },
    {
      key: "opened",
      header: t("circuits.opened"),
      cell: (row) => (row.opened_at ? <TimeAgo at={row.opened_at} /> : "–"),
    },
    {
      key: "probe",
      header: t("circuits.probe"),
      cell: (row) => (row.probe_at ? <TimeAgo at={row.probe_at} /> : "–"),
    },
    {
      key: "budget",
      header: t("circuits.budget"),
      cell: (row) => (
        <BlockStack gap="050">
          <span>{t("workers.busy", { busy: Math.floor(row.budget.left), slots: row.budget.capacity })}</span>
          <Meter
            share={row.budget.capacity > 0 ? row.budget.left / row.budget.capacity : 0}
            label={t("circuits.budget_of", { host: row.host })}
            tone={row.budget.left < 1 ? "bad" : "calm"}
          />
        </BlockStack>
      ),
    },
    {
      key: "error",
      header: t("circuits.error"),
      long: true,
      cell: (row) =>
        row.last_error ? (
          <Text as="span" variant="bodySm" tone={row.state === "closed" ? "subdued" : "critical"}>
            {row.last_error}
          </Text>
        ) : (
          "–"
        ),
    },
    {
      key: "actions",
      header: t("queue_page.actions"),
      cell: (row) =>
        mayOperate && row.state !== "closed" ? (
          <Button size="slim" onClick={() => setHost(row.host)}>
            {t("circuits.close")}
          </Button>
        ) : (
          "–"
        ),
    },
  ];

  return (
    <QueryView
      query={query}
      skeleton={
        <LoadingRegion>
          <CardSkeleton lines={2} />
        </LoadingRegion>
      }
    >
      {(circuits) => (
        <div id="circuits" ref={card}>
          <TableCard title={t("circuits.title")}>
            {circuits.length === 0 ? (
              <Box padding="400" paddingBlockStart="0">
                <Text as="p" tone="subdued">
                  {t("circuits.empty")}
                </Text>
              </Box>
            ) : (
              <DataTable
                caption={t("circuits.title")}
                columns={columns}
                rows={[...circuits].sort(
                  (a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state),
                )}
                rowKey={(row) => row.host}
              />
            )}
            {host && (
              <ActModal
                title={t("circuits.close_title", { host })}
                consequence={t("circuits.close_body")}
                action={t("circuits.close")}
                error={close.error}
                isPending={close.isPending}
                onAct={() => close.mutate(host, { onSuccess: () => setHost(null) })}
                onClose={() => setHost(null)}
              />
            )}
          </TableCard>
        </div>
      )}
    </QueryView>
  );
}
