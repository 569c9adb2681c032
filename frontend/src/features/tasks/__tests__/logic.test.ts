import { expect, test } from "vitest";
import { de } from "@/i18n/de";
import { createTranslate } from "@/i18n/translate";
import type { FamilyNode, JobDetail } from "@/lib/api/jobTypes";
import { family, jobDetail, run } from "@/testing/tasksData";
import { bandsOf, spanOf } from "../bands";
import { diffLines } from "../diff";
import { place, treesOf } from "../familyLayout";
import { checkSchema } from "../jsonSchema";
import { JsonSyntaxProblem, lineAndColumn, parseJson, placeOf } from "../jsonSource";
import { attemptInWords, errorInWords } from "../merchantWords";
import { qualifier, tokenAt, tokensOf, withoutToken, withTokens } from "../search";
import { steady } from "../useSteadyRows";

test("a search line is cut at spaces outside of quotes", () => {
  expect(tokensOf('shop:a error:"not found" bare')).toEqual(["shop:a", 'error:"not found"', "bare"]);
  expect(withTokens("shop:a", "shop:a tag:b")).toBe("shop:a tag:b");
  expect(withoutToken('shop:a error:"not found"', "shop:a")).toBe('error:"not found"');
  expect(tokenAt("shop:a tag:b", 9)).toEqual({ start: 7, end: 12 });
  expect(tokenAt("shop:a ", 7)).toEqual({ start: 7, end: 7 });
  expect(qualifier("error", 'it "broke" twice')).toBe('error:"it broke twice"');
});

test.each([
  ['{"a": [1, {"b/c": "x"}]}', { a: [1, { "b/c": "x" }] }],
  ["[]", []],
  [' {"__proto__": 1} ', JSON.parse('{"__proto__": 1}')],
  ["-1.5e3", -1500],
  ['"\\u00e9\\n"', "é\n"],
])("reads JSON as JSON.parse does: %s", (text, value) => {
  expect(parseJson(text).value).toEqual(value);
});

test.each([
  ['{"a": 1,}', 8],
  ['{"a" 1}', 5],
  ["{'a': 1}", 1],
  ['{"a": 1} x', 9],
  ['{"a": "un\nclosed"}', 6],
  ["", 0],
  ["[".repeat(5000), 101],
])("says where it stops being JSON: %s", (text, offset) => {
  expect(() => JSON.parse(text)).toThrow();
  try {
    parseJson(text);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(JsonSyntaxProblem);
    expect((error as JsonSyntaxProblem).offset).toBe(offset);
  }
});

test("a pointer leads to its line, or to what is nearest around it", () => {
  const text = '{\n  "a": {\n    "b~/": [10, 20]\n  }\n}';
  const { places } = parseJson(text);
  expect(lineAndColumn(text, placeOf(places, "/a/b~0~1/1"))).toEqual({ line: 3, column: 17 });
  expect(lineAndColumn(text, placeOf(places, "/a/missing"))).toEqual({ line: 2, column: 8 });
  expect(lineAndColumn(text, placeOf(places, ""))).toEqual({ line: 1, column: 1 });
});

test("arguments are checked against the job's schema", () => {
  const schema = {
    type: "object",
    properties: {
      id: { type: "integer", minimum: 1 },
      kind: { enum: ["a", "b"] },
      tags: { type: "array", items: { type: "string", maxLength: 3 } },
      note: { anyOf: [{ type: "string" }, { type: "null" }] },
      deep: { $ref: "#/$defs/Deep" },
    },
    required: ["id"],
    additionalProperties: false,
    $defs: { Deep: { type: "object", properties: { on: { type: "boolean" } }, required: ["on"] } },
  };
  const check = (value: unknown) => checkSchema(value, schema).map((one) => [one.pointer, one.message]);
  expect(check({ id: 1, kind: "a", tags: ["x"], note: null, deep: { on: true } })).toEqual([]);
  expect(check({ id: 1.5 })).toEqual([["/id", "type"]]);
  expect(check({ id: 0, kind: "c", tags: ["x", "long"], note: 3, deep: {}, more: 1 })).toEqual([
    ["/id", "range"],
    ["/kind", "enum"],
    ["/tags/1", "length"],
    ["/note", "type"],
    ["/deep", "required"],
    ["/more", "unknown"],
  ]);
  expect(check({})).toEqual([["", "required"]]);
  expect(check([])).toEqual([["", "type"]]);
});

test("what two texts share keeps its place, what changed is taken out and put in", () => {
  expect(diffLines("a\nb\nc", "a\nx\nc")).toEqual([
    { kind: "same", text: "a" },
    { kind: "removed", text: "b" },
    { kind: "added", text: "x" },
    { kind: "same", text: "c" },
  ]);
});

test("the time of a run is whole: every moment from its acceptance belongs to one band", () => {
  const rows = bandsOf(jobDetail, Date.now());
  const bands = rows.flatMap((row) => row.bands);
  expect(bands[0]?.start).toBe(Date.parse(jobDetail.enqueued_at));
  for (const [index, band] of bands.entries()) {
    if (index > 0) expect(band.start).toBe(bands[index - 1]?.end);
  }
  expect(spanOf(rows, jobDetail).end).toBe(Date.parse(jobDetail.attempts[2]?.finished_at ?? ""));
});

test("a run that waits for its next try shows that as well", () => {
  const waiting: JobDetail = { ...jobDetail, state: "retrying", attempts: jobDetail.attempts.slice(0, 1) };
  const now = Date.now();
  const rows = bandsOf(waiting, now);
  expect(rows).toHaveLength(2);
  expect(rows[1]).toMatchObject({ ahead: true, bands: [{ kind: "waiting", end: now }] });
});

test("rows stay where they were; what left and what is newer is told apart", () => {
  const one = (id: string) => run({ id, name: "sync.start", state: "running" });
  const held = { items: [one("c"), one("b"), one("a")], next_cursor: "x" };
  const fresh = { items: [one("e"), one("c")], next_cursor: "y" };
  const { rows, newer } = steady(held, fresh, true);
  expect(rows.map((row) => [row.run.id, row.left])).toEqual([
    ["c", false],
    ["b", false],
    ["a", false],
  ]);
  expect(newer).toBe(1);
  const last = steady(held, { ...fresh, next_cursor: null }, true);
  expect(last.rows.map((row) => row.left)).toEqual([false, true, true]);
  expect(steady(held, { ...fresh, next_cursor: null }, false).rows.some((row) => row.left)).toBe(false);
});

test("no two of a family stand in one place, and parents stand left of their children", () => {
  const nodes: FamilyNode[] = family.nodes;
  const folded = place(treesOf(nodes, new Set(), "0193-c"));
  expect(folded.reduce((sum, member) => sum + member.count, 0)).toBe(nodes.length);
  expect(folded.find((member) => member.count > 1)?.count).toBe(8);
  const group = folded.find((member) => member.group)?.group ?? "";
  const unfolded = place(treesOf(nodes, new Set([group]), "0193-c"));
  expect(unfolded).toHaveLength(nodes.length);
  expect(new Set(unfolded.map(({ row, column }) => `${column}:${row}`)).size).toBe(nodes.length);
  for (const parent of unfolded) {
    for (const child of parent.children)
      expect(unfolded.find((one) => one.id === child.id)?.column).toBe(parent.column + 1);
  }
});

test("a failure is told in German as well, also one of a kind that is new here", () => {
  const t = createTranslate(de, "de");
  expect(attemptInWords(t, "store_away")).toBe("Der Shop war nicht zu erreichen");
  expect(attemptInWords(t, "of_tomorrow")).toBe("Es hat nicht geklappt");
  expect(errorInWords(t, "access_lost")).toMatch(/^Storecast darf diesen Shop nicht mehr lesen/);
});
