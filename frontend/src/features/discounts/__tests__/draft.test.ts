import { expect, test } from "vitest";
import { createFormat } from "@/lib/format";
import { EMPTY, mistakes, toDiscount } from "../draft";

const f = createFormat({ locale: "en", currency: "USD", timeZone: "America/New_York" });
const NOW = Date.parse("2026-11-22T03:00:00Z");
const GOOD = { ...EMPTY, title: "Regulars" };

test.each([
  [{ title: " " }, "title"],
  [{ value: "0" }, "value"],
  [{ value: "100.5" }, "value"],
  [{ value: "1.255" }, "value"],
  [{ kind: "amount" as const, value: "1.255" }, "value"],
  [{ codes: "0" }, "codes"],
  [{ codes: "1.5" }, "codes"],
  [{ prefix: "Ä" }, "prefix"],
  [{ ends: "2026-11-21" }, "ends"],
])("%j is a mistake of %s", (change, field) => {
  expect(Object.keys(mistakes({ ...GOOD, ...change }, f, NOW))).toEqual([field]);
});

test("the last day is the shop's, to its last minute", () => {
  const draft = { ...GOOD, kind: "amount" as const, value: "5", ends: "2026-11-22" };
  expect(mistakes(draft, f, NOW)).toEqual({});
  expect(toDiscount(draft, f)).toEqual({
    title: "Regulars",
    amount_minor: 500,
    codes: 1000,
    prefix: "",
    ends_at: "2026-11-23T04:59:00.000Z",
    once_per_customer: true,
  });
});
