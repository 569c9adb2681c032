import { expect, test } from "vitest";
import { de as german } from "@/i18n/de";
import { en as english } from "@/i18n/en";
import { createTranslate } from "@/i18n/translate";
import { formatAmount } from "./amount";
import { createFormat } from "./format";

const en = createTranslate(english, "en");
const de = createTranslate(german, "de");
const f = createFormat({ locale: "en", currency: "USD", timeZone: "UTC" });

test.each([
  [null, "jobs", "–"],
  [0.4, "s", "<1s"],
  [90, "min", "1h 30m"],
  [3, "percent", "3.0%"],
  [1, "messages", "1 message"],
  [100_000, "messages", "100,000 messages"],
  [2, "hosts", "2 hosts"],
  [7, "count", "7"],
])("%s %s reads %s", (value, unit, text) => {
  expect(formatAmount(value, unit, en, f)).toBe(text);
});

test("a German reader is told of what in German", () => {
  expect(formatAmount(2, "processes", de, f)).toBe("2 Prozesse");
});
