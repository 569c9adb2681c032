import { expect, test } from "vitest";
import { campaign } from "@/testing/data";
import { changedFields, draftOf, merge, patchOf } from "../draft";

const base = draftOf(campaign);

test("a patch holds only what was changed", () => {
  const draft = { ...base, subject: "New" };
  expect(changedFields(base, draft)).toEqual(["subject"]);
  expect(patchOf(4, base, draft)).toEqual({ version: 4, subject: "New" });
});

test("changes to different fields go together", () => {
  const merged = merge(base, { ...base, subject: "Mine" }, { ...base, name: "Theirs" });
  expect(merged.conflicts).toEqual([]);
  expect(merged.draft).toEqual({ ...base, subject: "Mine", name: "Theirs" });
});

test("a field that both changed differently is a conflict, and mine is kept on screen", () => {
  const merged = merge(base, { ...base, subject: "Mine" }, { ...base, subject: "Theirs" });
  expect(merged.conflicts).toEqual(["subject"]);
  expect(merged.draft.subject).toBe("Mine");
});

test("the same change on both sides is none", () => {
  expect(merge(base, { ...base, subject: "Same" }, { ...base, subject: "Same" }).conflicts).toEqual([]);
});
