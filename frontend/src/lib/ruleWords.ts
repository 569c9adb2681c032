import type { Translate } from "@/i18n/translate";
import { readHappening } from "@/lib/happenings";
import { type Condition, fromRules, type Group, type Node, type Rules } from "@/lib/rules";

export function fieldLabel(t: Translate, key: string): string {
  return t.code("field", key);
}

function nodeInWords(t: Translate, node: Node): string {
  if (node.kind === "group") {
    const inner = groupInWords(t, node);
    return node.children.length > 1 || node.mode === "none" ? `(${inner})` : inner;
  }
  return conditionInWords(t, node);
}

function happeningInWords(t: Translate, node: Condition): string {
  const { times, days, subject } = readHappening(node.values);
  return [
    fieldLabel(t, node.field),
    t.code("operator", node.operator),
    t("rules.times", { count: Number(times) }),
    days && t("rules.in_days", { count: Number(days) }),
    subject && t("rules.about", { subject: t.code("subject", subject) }),
  ]
    .filter(Boolean)
    .join(" ");
}

/** One condition; what it refers to is not named, for the rules hold only its id. */
export function conditionInWords(t: Translate, node: Condition): string {
  if (node.operator === "did" || node.operator === "did_not") return happeningInWords(t, node);
  if (node.operator === "member" || node.operator === "not_member")
    return `${fieldLabel(t, node.field)} ${t.code("operator", node.operator)}`;
  const values = node.values.map((value) => t.code("option", value, {}, value)).join(" – ");
  const days = node.operator.endsWith("_last_days") || node.operator === "more_than_days_ago";
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
