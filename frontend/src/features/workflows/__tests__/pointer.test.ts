import { expect, test } from "vitest";
import { readDefinition, stepsOf } from "../definition";
import { offsetOfMistake } from "../jsonMistake";
import { placeOfPointer } from "../pointer";

const TEXT = `{
  "name": "x, {y} [z] \\"q\\"",
  "nodes": [
    { "key": "a", "needs": [] },
    {
      "key": "b",
      "args": { "a/b": 1, "c~d": [true, null, -1.5e3] },
      "needs": ["a", "zzz"]
    }
  ]
}`;

test.each([
  ["", 1, 1],
  ["/name", 2, 11],
  ["/nodes", 3, 12],
  ["/nodes/0/needs", 4, 28],
  ["/nodes/1", 5, 5],
  ["/nodes/1/key", 6, 14],
  ["/nodes/1/args/a~1b", 7, 24],
  ["/nodes/1/args/c~0d/2", 7, 47],
  ["/nodes/1/needs/1", 8, 22],
  // What is missing is shown at the nearest thing around it.
  ["/nodes/1/job", 5, 5],
  ["/nodes/7/key", 3, 12],
  ["/name/deeper", 2, 11],
])("%s stands in line %i, column %i", (pointer, line, column) => {
  expect(placeOfPointer(TEXT, pointer)).toEqual({ line, column });
});

test.each([
  ['{\n  "name": oops\n}', 12],
  ['{"a": 1,}', 8],
  ["[1, 2", 6],
  ["[1 2]", 3],
  ['{"a" 1}', 5],
  ["{'a': 1}", 1],
  ['{"a": "x\ny"}', 6],
  ["[01]", 2],
  ["{} x", 3],
  ["", 0],
])("%j stops being JSON at %i", (text, offset) => {
  expect(() => JSON.parse(text)).toThrow();
  expect(offsetOfMistake(text)).toBe(Math.min(offset, text.length));
});

test("what is JSON is read to its end", () => {
  const text = ' {"a": [1, -2.5e3, "x\\"\\u00e9", true, null, {}, []], "b": {"c": false}} ';
  JSON.parse(text);
  expect(offsetOfMistake(text)).toBe(text.length);
});

test("only an object is a definition, and what can be drawn of it is drawn", () => {
  expect(readDefinition("[]").definition).toBeNull();
  expect(readDefinition("{").problem).toMatchObject({ line: 1 });
  const definition = {
    nodes: [{ key: "a" }, null, { key: "a" }, { key: "b", needs: ["a", 7], job: "x.y" }, { key: 3 }],
  };
  expect(stepsOf(definition, (job) => job).map(({ key, needs, title }) => [key, needs, title])).toEqual([
    ["a", [], ""],
    ["b", ["a"], "x.y"],
  ]);
  expect(stepsOf({ nodes: 3 }, (job) => job)).toEqual([]);
});
