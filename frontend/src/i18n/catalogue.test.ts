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

test("plurals follow the count, numbers the language", () => {
  expect(createTranslate(en, "en")("matches.count", { count: 1 })).toBe("1 person");
  expect(createTranslate(en, "en")("matches.count", { count: 1_204 })).toBe("1,204 people");
  expect(createTranslate(de, "de")("matches.count", { count: 1_204 })).toBe("1.204 Personen");
});

test("a code that nobody wrote words for is still readable", () => {
  const t = createTranslate(en, "en");
  expect(t.code("exclusion", "opted_out_by_phone")).toBe("Opted out by phone");
  expect(t.code("option", "Vinyl", {}, "Vinyl")).toBe("Vinyl");
  expect(humanise("sync.import")).toBe("Sync import");
});
