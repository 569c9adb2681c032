import { expect, test } from "vitest";
import { rateOf } from "./useRate";

test("needs two readings apart in time, and progress between them", () => {
  expect(rateOf([])).toBeNull();
  expect(rateOf([{ at: 0, count: 5 }])).toBeNull();
  expect(
    rateOf([
      { at: 0, count: 5 },
      { at: 100, count: 9 },
    ]),
  ).toBeNull();
  expect(
    rateOf([
      { at: 0, count: 5 },
      { at: 1_000, count: 5 },
    ]),
  ).toBeNull();
  expect(
    rateOf([
      { at: 0, count: 0 },
      { at: 2_000, count: 300 },
    ]),
  ).toBe(150);
});
