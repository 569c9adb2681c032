import { expect, test } from "vitest";
import { createFormat, currencyDigits } from "./format";

const f = createFormat({ locale: "en", currency: "USD", timeZone: "America/New_York" });
const de = createFormat({ locale: "de", currency: "EUR", timeZone: "Europe/Berlin" });

test.each([
  ["USD", 123_456, "$1,234.56"],
  ["JPY", 1_234, "¥1,234"],
  ["KWD", 1_234_567, "KWD 1,234.567"],
])("money has its currency's own minor units: %s", (currency, amount_minor, text) => {
  expect(f.money({ amount_minor, currency }).replaceAll("\u00a0", " ")).toBe(text);
});

test("minor units follow the currency", () => {
  expect([currencyDigits("USD"), currencyDigits("JPY"), currencyDigits("KWD")]).toEqual([2, 0, 3]);
});

test("a German reader gets German figures", () => {
  expect(de.minor(123_456).replaceAll("\u00a0", " ")).toBe("1.234,56 €");
  expect(de.percent(0.123, 1).replaceAll("\u00a0", " ")).toBe("12,3 %");
});

test("instants are shown in the shop's time zone, calendar days in none", () => {
  expect(f.date("2026-11-21T03:00:00Z")).toBe("Nov 20, 2026");
  expect(f.longDay("2026-11-21")).toBe("Nov 21, 2026");
});

test.each([
  [120, "120ms"],
  [1_500, "1.5s"],
  [65_000, "1m 5s"],
  [3_600_000, "1h"],
  [93_780_000, "1d 2h"],
])("durations show the two units that matter: %i ms", (ms, text) => {
  expect(f.duration(ms)).toBe(text);
});

test("time that passed is told in words, and as a date after a month", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  expect(f.relative("2026-11-21T11:57:00Z", now)).toBe("3 minutes ago");
  expect(f.relative("2026-11-20T12:00:00Z", now)).toBe("yesterday");
  expect(f.relative("2026-11-21T13:00:00Z", now)).toBe("in 1 hour");
  expect(f.relative("2026-08-01T12:00:00Z", now)).toBe("Aug 1, 2026");
});

test.each([
  [0.004, "0.4%", "0,4 %"],
  [0.02, "2.0%", "2,0 %"],
  [0.0994, "9.9%", "9,9 %"],
  [0.0996, "10%", "10 %"],
  [0.333, "33%", "33 %"],
  [1, "100%", "100 %"],
])("shares under 10 % keep one decimal: %d", (ratio, english, german) => {
  expect([f.percent(ratio), de.percent(ratio).replaceAll("\u00a0", " ")]).toEqual([english, german]);
});

test("a change says which way it went", () => {
  expect([0.333, 0.021, 0.0001, 0, -0.04].map((ratio) => f.signedPercent(ratio))).toEqual([
    "+33%",
    "+2.1%",
    "<0.1%",
    "0%",
    "−4.0%",
  ]);
});

test("what is too small to show is not shown as nothing", () => {
  expect([0, 0.0001, 0.0006].map((ratio) => f.percent(ratio))).toEqual(["0%", "<0.1%", "0.1%"]);
  expect(de.percent(0.0001).replaceAll("\u00a0", " ")).toBe("<0,1 %");
  expect([f.minor(0), f.minor(0.3), f.minor(0.6)]).toEqual(["$0.00", "<$0.01", "$0.01"]);
});
