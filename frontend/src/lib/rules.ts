/**
 * The rule builder's tree and its translation to and from the API's rules.
 * Invariant: `fromRules` then `toRules` gives an equivalent tree; half-written conditions are left out and named.
 */
import type { FieldInfo } from "@/lib/api/types";
import { type Asked, fromAsked, toAsked } from "@/lib/happenings";

export type Mode = "all" | "any" | "none" | "not_all";

export interface Condition {
  kind: "condition";
  id: string;
  field: string;
  operator: string;
  /** As typed: one text, two for a range, many for a choice. */
  values: string[];
}

export interface Group {
  kind: "group";
  id: string;
  mode: Mode;
  children: Node[];
}

export type Node = Condition | Group;
export type Rules = Record<string, unknown>;
export type FieldsByKey = ReadonlyMap<string, FieldInfo>;

const VALUELESS = new Set(["is_set", "not_set"]);
const DAYS = new Set(["in_last_days", "not_in_last_days", "more_than_days_ago"]);

let lastId = 0;
function newId(): string {
  lastId += 1;
  return `rule-${lastId}`;
}

export type ValueKind =
  | "none"
  | "text"
  | "number"
  | "amount"
  | "days"
  | "date"
  | "range"
  | "option"
  | "options"
  | "happening"
  | "member";

/** What rules may refer to by name. */
export type ChoiceKind = "product" | "collection" | "campaign" | "segment" | "shopify_segment" | "list";

const MEMBERSHIPS: ReadonlySet<string> = new Set(["segment", "shopify_segment", "list"]);

/** Which control asks for the value of a condition. */
export function valueKind(field: FieldInfo | undefined, operator: string): ValueKind {
  if (!field || VALUELESS.has(operator)) return "none";
  if (operator === "between") return "range";
  switch (field.type) {
    case "number":
      return "number";
    case "money":
      return "amount";
    case "date":
      return DAYS.has(operator) ? "days" : "date";
    case "enum":
      return operator === "in" ? "options" : "option";
    case "behaviour":
      return "happening";
    default:
      return MEMBERSHIPS.has(field.type) ? "member" : "text";
  }
}

export function newCondition(
  field: FieldInfo,
  operator = field.operators[0] ?? "",
  values: string[] = field.type === "behaviour" ? ["1"] : [],
): Condition {
  return { kind: "condition", id: newId(), field: field.key, operator, values };
}

export function newGroup(mode: Mode, children: Node[] = []): Group {
  return { kind: "group", id: newId(), mode, children };
}

/** A change of operator keeps what was typed where the same kind of value is asked for. */
export function withOperator(
  condition: Condition,
  operator: string,
  field: FieldInfo | undefined,
): Condition {
  const keeps = valueKind(field, operator) === valueKind(field, condition.operator);
  return { ...condition, operator, values: keeps ? condition.values : [] };
}

export function update(root: Group, id: string, change: (node: Node) => Node): Group {
  const visit = (node: Node): Node => {
    const next = node.id === id ? change(node) : node;
    return next.kind === "group" ? { ...next, children: next.children.map(visit) } : next;
  };
  return visit(root) as Group;
}

export function remove(root: Group, id: string): Group {
  const visit = (group: Group): Group => ({
    ...group,
    children: group.children
      .filter((child) => child.id !== id)
      .map((child) => (child.kind === "group" ? visit(child) : child)),
  });
  return visit(root);
}

export function append(root: Group, groupId: string, child: Node): Group {
  return update(root, groupId, (node) =>
    node.kind === "group" ? { ...node, children: [...node.children, child] } : node,
  );
}

function readValues(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  if (typeof value === "object" && !Array.isArray(value)) return fromAsked(value as Asked);
  return (Array.isArray(value) ? value : [value]).map(String);
}

function readNode(rule: Rules): Node {
  if (rule.op === "not") {
    const inner = readNode(rule.rule as Rules);
    if (inner.kind === "group" && inner.mode === "any") return { ...inner, mode: "none" };
    if (inner.kind === "group" && inner.mode === "all") return { ...inner, mode: "not_all" };
    return newGroup("none", [inner]);
  }
  if (rule.op === "and" || rule.op === "or") {
    return newGroup(
      rule.op === "and" ? "all" : "any",
      ((rule.rules as Rules[] | undefined) ?? []).map(readNode),
    );
  }
  return {
    kind: "condition",
    id: newId(),
    field: String(rule.field),
    operator: String(rule.operator),
    values: readValues(rule.value),
  };
}

export function fromRules(rules: Rules): Group {
  const node = readNode(rules);
  return node.kind === "group" ? node : newGroup("all", [node]);
}

/** The value that the API takes, or undefined while it is not fully written. */
function writeValue(condition: Condition, field: FieldInfo | undefined): unknown {
  const typed = condition.values.map((value) => value.trim()).filter(Boolean);
  const [first] = typed;
  // An amount stays text: the API reads "12.50" exactly, in the shop's currency.
  const number = (text: string) => (field?.type === "money" ? text : Number(text));
  switch (valueKind(field, condition.operator)) {
    case "none":
      return null;
    case "range":
      return typed.length === 2 ? typed.map(number) : undefined;
    case "options":
      return typed.length > 0 ? typed : undefined;
    case "happening":
      return toAsked(condition.values);
    case "number":
    case "days":
      return first === undefined || Number.isNaN(Number(first)) ? undefined : Number(first);
    default:
      return first;
  }
}

export interface WrittenRules {
  rules: Rules;
  /** Conditions that still lack something. */
  incomplete: ReadonlySet<string>;
  /** JSON pointer of each condition in `rules` → its id, to place the API's complaints. */
  pointers: ReadonlyMap<string, string>;
}

export function toRules(root: Group, fields: FieldsByKey): WrittenRules {
  const incomplete = new Set<string>();
  const pointers = new Map<string, string>();

  function writeGroup(group: Group, pointer: string): Rules | null {
    const negated = group.mode === "none" || group.mode === "not_all";
    const inner = negated ? `${pointer}/rule` : pointer;
    const rules: Rules[] = [];
    for (const child of group.children) {
      const at = `${inner}/rules/${rules.length}`;
      const written = child.kind === "group" ? writeGroup(child, at) : writeCondition(child, at);
      if (written) rules.push(written);
    }
    if (rules.length === 0 && group !== root) return null;
    const op = group.mode === "all" || group.mode === "not_all" ? "and" : "or";
    const body = { op: rules.length === 0 ? "and" : op, rules };
    return negated && rules.length > 0 ? { op: "not", rule: body } : body;
  }

  function writeCondition(condition: Condition, pointer: string): Rules | null {
    const value = writeValue(condition, fields.get(condition.field));
    if (value === undefined) {
      incomplete.add(condition.id);
      return null;
    }
    pointers.set(pointer, condition.id);
    return { field: condition.field, operator: condition.operator, ...(value === null ? {} : { value }) };
  }

  return { rules: writeGroup(root, "/rules") ?? { op: "and", rules: [] }, incomplete, pointers };
}

/** The condition of an id, wherever it stands. */
export function findCondition(node: Node, id: string): Condition | undefined {
  if (node.kind === "condition") return node.id === id ? node : undefined;
  for (const child of node.children) {
    const found = findCondition(child, id);
    if (found) return found;
  }
  return undefined;
}

/** The condition that a problem's pointer lies in, such as "/rules/rules/0/value". */
export function conditionAt(written: WrittenRules, pointer: string): string | undefined {
  for (const [at, id] of written.pointers) if (pointer === at || pointer.startsWith(`${at}/`)) return id;
  return undefined;
}
