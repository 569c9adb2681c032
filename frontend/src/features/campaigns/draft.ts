/**
 * The editor's unsaved content, and its meeting with what somebody else saved meanwhile.
 * Invariant: a merge never drops a change of either side; what both changed differently is named, not decided.
 */
import type { Campaign, CampaignChanges } from "@/lib/api/types";

export const DRAFT_FIELDS = [
  "name",
  "subject",
  "preview_text",
  "from_name",
  "from_email",
  "reply_to",
  "html",
  "mjml",
] as const;
export type DraftField = (typeof DRAFT_FIELDS)[number];
export type Draft = Record<DraftField, string>;

/** What the message is written in: MJML when the campaign has some, and then its HTML is made from it. */
export type SourceField = "html" | "mjml";

export function sourceField(draft: Draft): SourceField {
  return draft.mjml === "" ? "html" : "mjml";
}

/** The source alone, as checks and previews take it. */
export function sourceOf(draft: Draft): Partial<Record<SourceField, string>> {
  const field = sourceField(draft);
  return { [field]: draft[field] };
}

export function draftOf(campaign: Campaign): Draft {
  return Object.fromEntries(DRAFT_FIELDS.map((field) => [field, campaign[field] ?? ""])) as Draft;
}

export function changedFields(base: Draft, draft: Draft): DraftField[] {
  return DRAFT_FIELDS.filter((field) => base[field] !== draft[field]);
}

/** Only what was changed goes to the API, so a save cannot undo a field that nobody here touched. */
export function patchOf(version: number, base: Draft, draft: Draft): CampaignChanges {
  return { version, ...Object.fromEntries(changedFields(base, draft).map((field) => [field, draft[field]])) };
}

export interface Merge {
  draft: Draft;
  /** Fields that both sides changed, each to something else. */
  conflicts: DraftField[];
}

export function merge(base: Draft, mine: Draft, theirs: Draft): Merge {
  const draft = { ...theirs };
  const conflicts: DraftField[] = [];
  for (const field of changedFields(base, mine)) {
    draft[field] = mine[field];
    if (theirs[field] !== base[field] && theirs[field] !== mine[field]) conflicts.push(field);
  }
  return { draft, conflicts };
}
