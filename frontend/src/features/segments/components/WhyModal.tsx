import { Badge, BlockStack, Modal, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import type { Translate } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import type { ConditionSeen, FieldInfo } from "@/lib/api/types";
import type { Format } from "@/lib/format";
import { conditionAt, type FieldsByKey, findCondition, type Group, type WrittenRules } from "@/lib/rules";
import { conditionInWords } from "@/lib/ruleWords";
import { explainQuery } from "../api";
import styles from "./segments.module.css";

interface Props {
  customer: { id: string; name: string };
  root: Group;
  written: WrittenRules;
  fields: FieldsByKey;
  onClose: () => void;
}

function seenInWords(
  t: Translate,
  f: Format,
  field: FieldInfo | undefined,
  seen: ConditionSeen["seen"],
): string {
  if (seen === null || seen === "" || (Array.isArray(seen) && seen.length === 0)) return t("why.nothing");
  if (typeof seen === "boolean") return t(seen ? "why.member" : "why.no_member");
  if (Array.isArray(seen)) return seen.join(", ");
  if (typeof seen === "number") {
    if (field?.type === "behaviour") return t("rules.times", { count: seen });
    return field?.type === "money" ? f.money({ amount_minor: seen, currency: f.currency }) : f.number(seen);
  }
  if (field?.type === "date") return f.dateTime(seen);
  return t.code("option", seen, {}, seen);
}

/** Why a customer is in the segment or not: every condition with the value that it looked at. */
export function WhyModal({ customer, root, written, fields, onClose }: Props) {
  const { t, f } = useI18n();
  const query = useQuery(explainQuery(written.rules, customer.id));
  function words(seen: ConditionSeen): string {
    const condition = findCondition(root, conditionAt(written, seen.pointer) ?? "");
    return condition ? conditionInWords(t, condition) : t.code("field", seen.field);
  }
  return (
    <Modal open onClose={onClose} title={t("why.title", { name: customer.name })}>
      <Modal.Section>
        <QueryView query={query} skeleton={<TableSkeleton rows={3} />}>
          {(told) => (
            <BlockStack gap="300">
              <Text as="p" fontWeight="semibold">
                {t(told.member ? "why.inside" : "why.outside")}
              </Text>
              {told.conditions.length === 0 && <Text as="p">{t("why.everyone")}</Text>}
              <ul className={styles.reasons}>
                {told.conditions.map((seen) => (
                  <li key={seen.pointer} className={styles.reason}>
                    <Badge tone={seen.holds ? "success" : "attention"}>
                      {t(seen.holds ? "why.holds" : "why.fails")}
                    </Badge>
                    <span className={styles.reasonWords}>
                      <Text as="span">{words(seen)}</Text>
                      <Text as="span" variant="bodySm" tone="subdued">
                        {t("why.seen", { value: seenInWords(t, f, fields.get(seen.field), seen.seen) })}
                      </Text>
                    </span>
                  </li>
                ))}
              </ul>
            </BlockStack>
          )}
        </QueryView>
      </Modal.Section>
    </Modal>
  );
}
