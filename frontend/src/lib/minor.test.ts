import { expect, test } from "vitest";
import { toMinor } from "./minor";

test.each([
  ["10", "USD", 1000],
  ["12.50", "USD", 1250],
  [" 12,5 ", "EUR", 1250],
  ["0.29", "USD", 29],
  ["500", "JPY", 500],
  ["500.5", "JPY", null],
  ["0", "USD", null],
  ["-1", "USD", null],
  ["1.005", "USD", null],
  ["1,000.00", "USD", null],
  ["ten", "USD", null],
  ["", "USD", null],
])("%j of %s is %j in the smallest coin", (text, currency, minor) => {
  expect(toMinor(text, currency)).toBe(minor);
});
