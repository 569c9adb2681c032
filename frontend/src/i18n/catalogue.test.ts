import { expect, test } from "vitest";
import { de } from "./de";
import { en } from "./en";
import { createTranslate, humanise, type Message, type MessageKey } from "./translate";

const placeholders = (message: Message) =>
  new Set([...JSON.stringify(message).matchAll(/\{(\w+)\}/g)].map((match) => match[1]));

test("German has every key, and the same placeholders in each", () => {
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
  for (const key of Object.keys(en) as MessageKey[])
    expect([key, placeholders(de[key])]).toEqual([key, placeholders(en[key])]);
});

test("a key stands in one catalogue only: the later one would silently win", () => {
  const files = import.meta.glob<Record<string, Record<string, Message>>>(["./en/*.ts", "!./en/index.ts"], {
    eager: true,
  });
  const keys = Object.values(files).flatMap((file) => Object.values(file).flatMap(Object.keys));
  expect(keys.length).toBe(Object.keys(en).length);
});

test("plurals follow the count, numbers the language", () => {
  expect(createTranslate(en, "en")("matches.count", { count: 1 })).toBe("1 person");
  expect(createTranslate(en, "en")("matches.count", { count: 1_204 })).toBe("1,204 people");
  expect(createTranslate(de, "de")("matches.count", { count: 1_204 })).toBe("1.204 Personen");
});

/** Figures that no noun depends on. */
const WITHOUT_NOUN = ["campaigns.rate", "sync.exporting"];

test.each([
  ["English", en],
  ["German", de],
])("%s: what is counted has plural forms", (_, messages) => {
  const slips = (Object.keys(en) as MessageKey[]).filter((key) => {
    const message: Message = messages[key];
    return typeof message === "string" && /\{(count|days)\}/.test(message) && !WITHOUT_NOUN.includes(key);
  });
  expect(slips).toEqual([]);
});

test("one day is one day in both languages", () => {
  const english = createTranslate(en, "en");
  const german = createTranslate(de, "de");
  const values = { change: "+3%", count: 1 };
  expect(english("analytics.against", values)).toBe("+3% against the 1 day before");
  expect(german("analytics.against", values)).toBe("+3% gegenüber dem 1 Tag davor");
  expect(german("analytics.against", { ...values, count: 30 })).toBe("+3% gegenüber den 30 Tagen davor");
  expect([1, 90].map((count) => german("rules.last_days", { count }))).toEqual(["Tag", "90 Tagen"]);
  expect([1, 2].map((count) => english("gate.recipients.ok", { count }))).toEqual([
    "1 person will get it",
    "2 people will get it",
  ]);
});

test("a code that nobody wrote words for is still readable", () => {
  const t = createTranslate(en, "en");
  expect(t.code("exclusion", "opted_out_by_phone")).toBe("Opted out by phone");
  expect(t.code("option", "Vinyl", {}, "Vinyl")).toBe("Vinyl");
  expect(humanise("sync.import")).toBe("Sync import");
});
