import { describe, expect, test } from "vitest";
import {
  append,
  conditionAt,
  fromRules,
  newCondition,
  newGroup,
  type Rules,
  remove,
  toRules,
  update,
  withOperator,
} from "@/lib/rules";
import { fieldGroups } from "@/testing/data";

const fields = new Map(fieldGroups.flatMap((group) => group.fields.map((field) => [field.key, field])));
const orders = fields.get("orders_count");
if (!orders) throw new Error("no orders_count");

const atLeastTwo = { field: "orders_count", operator: "gte", value: 2 };
const recent = { field: "last_order_at", operator: "in_last_days", value: 30 };

describe("fromRules and toRules", () => {
  test.each<[string, Rules]>([
    ["all", { op: "and", rules: [atLeastTwo, recent] }],
    ["any", { op: "or", rules: [atLeastTwo, recent] }],
    ["none", { op: "not", rule: { op: "or", rules: [atLeastTwo, recent] } }],
    ["not all", { op: "not", rule: { op: "and", rules: [atLeastTwo, recent] } }],
    [
      "nested",
      {
        op: "and",
        rules: [
          atLeastTwo,
          { op: "or", rules: [recent, { op: "not", rule: { op: "or", rules: [atLeastTwo] } }] },
        ],
      },
    ],
    ["without a value", { op: "and", rules: [{ field: "last_order_at", operator: "is_set" }] }],
    ["a range", { op: "and", rules: [{ field: "orders_count", operator: "between", value: [2, 5] }] }],
    [
      "an amount stays a text",
      { op: "and", rules: [{ field: "total_spent", operator: "gte", value: "250.50" }] },
    ],
    [
      "a choice",
      {
        op: "and",
        rules: [{ field: "email_subscription", operator: "in", value: ["subscribed", "pending"] }],
      },
    ],
    [
      "a behaviour with what it is about",
      {
        op: "and",
        rules: [
          {
            field: "viewed",
            operator: "did",
            value: { times: 2, days: 30, product: "gid://shopify/Product/1" },
          },
          { field: "opened", operator: "did_not", value: { times: 1 } },
        ],
      },
    ],
    ["a membership", { op: "and", rules: [{ field: "list", operator: "member", value: "lst_fair" }] }],
    ["everyone", { op: "and", rules: [] }],
  ])("come back unchanged: %s", (_case, rules) => {
    const written = toRules(fromRules(rules), fields);
    expect(written.rules).toEqual(rules);
    expect(written.incomplete.size).toBe(0);
  });

  test("a negated condition becomes a group of none", () => {
    const root = fromRules({ op: "and", rules: [{ op: "not", rule: recent }] });
    expect(root.children[0]).toMatchObject({ kind: "group", mode: "none" });
    expect(toRules(root, fields).rules).toEqual({
      op: "and",
      rules: [{ op: "not", rule: { op: "or", rules: [recent] } }],
    });
  });

  test("a single condition as the whole tree becomes a group of one", () => {
    expect(toRules(fromRules(atLeastTwo), fields).rules).toEqual({ op: "and", rules: [atLeastTwo] });
  });

  test("leaves a half-written condition out and names it", () => {
    const empty = newCondition(orders);
    const written = toRules(newGroup("all", [empty, newGroup("any", [newCondition(orders)])]), fields);
    expect(written.rules).toEqual({ op: "and", rules: [] });
    expect(written.incomplete.has(empty.id)).toBe(true);
    expect(written.incomplete.size).toBe(2);
  });
});

describe("changes", () => {
  test("append, update and remove reach nested nodes and leave the rest as it was", () => {
    const inner = newGroup("any");
    const root = newGroup("all", [newCondition(orders, "gte", ["1"]), inner]);
    const added = newCondition(orders, "gte", ["2"]);
    const grown = append(root, inner.id, added);
    expect(toRules(grown, fields).rules).toEqual({
      op: "and",
      rules: [
        { ...atLeastTwo, value: 1 },
        { op: "or", rules: [atLeastTwo] },
      ],
    });
    const changed = update(grown, added.id, (node) => ({ ...node, values: ["3"] }) as typeof added);
    expect(toRules(changed, fields).rules).toMatchObject({ rules: [{}, { rules: [{ value: 3 }] }] });
    expect(toRules(remove(changed, inner.id), fields).rules).toEqual({
      op: "and",
      rules: [{ ...atLeastTwo, value: 1 }],
    });
    expect(toRules(root, fields).rules).toEqual({ op: "and", rules: [{ ...atLeastTwo, value: 1 }] });
  });

  test("another operator keeps the value only where it asks for the same kind", () => {
    const condition = newCondition(orders, "gte", ["2"]);
    expect(withOperator(condition, "lte", orders).values).toEqual(["2"]);
    expect(withOperator(condition, "between", orders).values).toEqual([]);
  });
});

test("finds the condition that a pointer lies in, through negation and skipped conditions", () => {
  const target = newCondition(orders, "gte", ["2"]);
  const written = toRules(newGroup("none", [newCondition(orders), target]), fields);
  expect(conditionAt(written, "/rules/rule/rules/0/value")).toBe(target.id);
  expect(conditionAt(written, "/rules/rule/rules/01/value")).toBeUndefined();
  expect(conditionAt(written, "/name")).toBeUndefined();
});
