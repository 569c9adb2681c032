import type { Translate } from "@/i18n/translate";
import type { FieldInfo } from "@/lib/api/types";
import { fromRules, type Group, type Node, type Rules } from "@/lib/rules";

export function fieldLabel(t: Translate, key: string): string {
  return t.code("field", key);
}

export function operatorLabel(t: Translate, field: FieldInfo | undefined, operator: string): string {
  return t.code("operator", operator === "is" && field?.type === "boolean" ? "is_boolean" : operator);
}

function nodeInWords(t: Translate, node: Node): string {
  if (node.kind === "group") {
    const inner = groupInWords(t, node);
    return node.children.length > 1 || node.mode === "none" ? `(${inner})` : inner;
  }
  const values = node.values.map((value) => t.code("option", value, {}, value)).join(" – ");
  const days = node.operator.endsWith("_last_days");
  const count = Number(values);
  const operator = t.code("operator", node.operator, days ? { count } : {});
  const value = days ? t("rules.last_days", { count }) : values;
  return [fieldLabel(t, node.field), operator, value].filter(Boolean).join(" ");
}

function groupInWords(t: Translate, group: Group): string {
  const joined = group.children
    .map((child) => nodeInWords(t, child))
    .join(group.mode === "any" || group.mode === "none" ? ` ${t("rules.or")} ` : ` ${t("rules.and")} `);
  return group.mode === "none" || group.mode === "not_all" ? `${t("rules.not")} ${joined}` : joined;
}

/** The rules as one sentence, for lists and for those who do not want to read a tree. */
export function inWords(t: Translate, rules: Rules): string {
  const group = fromRules(rules);
  return group.children.length === 0 ? t("rules.everyone") : groupInWords(t, group);
}
