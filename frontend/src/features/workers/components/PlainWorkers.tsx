import { BlockStack, Card, InlineStack, Text } from "@shopify/polaris";
import { StateBadge } from "@/components/StateBadge";
import { useI18n } from "@/i18n/useI18n";
import type { ProcessRow, Workers } from "../api";

const WORST_FIRST = ["lost", "late", "ok"];

/** For a shop's people: what each part of Storecast does and whether it is well. One of several is enough to go on. */
export function PlainWorkers({ workers }: { workers: Workers }) {
  const { t } = useI18n();
  const kinds = [...new Set(workers.processes.map((process) => process.kind))];
  const stateOf = (kind: ProcessRow["kind"]) => {
    const states = workers.processes.filter((one) => one.kind === kind).map((one) => one.state);
    return WORST_FIRST.find((state) => states.includes(state as ProcessRow["state"])) ?? "ok";
  };
  const allWell = workers.processes.every((process) => process.state === "ok");
  return (
    <Card>
      <BlockStack gap="400">
        <Text as="p">{t(allWell ? "fleet.plain.well" : "fleet.plain.trouble")}</Text>
        <BlockStack gap="200">
          {kinds.map((kind) => (
            <InlineStack key={kind} align="space-between" gap="200">
              <Text as="span">{t.code("process", kind)}</Text>
              <StateBadge state={stateOf(kind)} />
            </InlineStack>
          ))}
        </BlockStack>
      </BlockStack>
    </Card>
  );
}
