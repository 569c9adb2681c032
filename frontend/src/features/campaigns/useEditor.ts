import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import { ApiError } from "@/lib/api/errors";
import type { Campaign, CampaignChanges } from "@/lib/api/types";
import { useToast } from "@/lib/useToast";
import { campaignQuery, useSaveCampaign } from "./api";
import { changedFields, type Draft, type DraftField, draftOf, merge, patchOf } from "./draft";

export interface Conflict {
  theirs: Campaign;
  fields: DraftField[];
}

/** What is stored as soon as it is chosen. */
export type Choice = Pick<
  CampaignChanges,
  | "segment_id"
  | "topic_id"
  | "product_gids"
  | "excluded_segment_ids"
  | "holdout_percent"
  | "pacing"
  | "discount_id"
  | "discount_path"
>;

function isVersionConflict(error: unknown): boolean {
  return error instanceof ApiError && error.code === "version_conflict";
}

/**
 * The editor's draft over the campaign as last read. A save that meets a newer version takes over the other
 * side's changes; only where both changed the same field is the person asked.
 */
export function useEditor(campaign: Campaign) {
  const { t } = useI18n();
  const client = useQueryClient();
  const showToast = useToast();
  const save = useSaveCampaign(campaign.id);
  const [base, setBase] = useState(campaign);
  const [draft, setDraft] = useState(() => draftOf(campaign));
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const baseDraft = draftOf(base);
  const dirty = changedFields(baseDraft, draft).length > 0;

  function accept(saved: Campaign, next: Draft = draftOf(saved)) {
    setBase(saved);
    setDraft(next);
    setConflict(null);
  }

  async function readTheirs(): Promise<Campaign> {
    return client.fetchQuery({ ...campaignQuery(campaign.id), staleTime: 0 });
  }

  async function put(version: number, from: Draft, next: Draft, extra: { segment_id?: string } = {}) {
    return save.mutateAsync({ ...patchOf(version, from, next), ...extra });
  }

  async function store(): Promise<void> {
    try {
      accept(await put(base.version, baseDraft, draft));
      showToast(t("editor.saved"));
    } catch (error) {
      if (!isVersionConflict(error)) return;
      const theirs = await readTheirs();
      const merged = merge(baseDraft, draft, draftOf(theirs));
      if (merged.conflicts.length > 0) {
        save.reset();
        setConflict({ theirs, fields: merged.conflicts });
        return;
      }
      accept(await put(theirs.version, draftOf(theirs), merged.draft));
      showToast(t("editor.saved_merged"));
    }
  }

  async function keepMine(): Promise<void> {
    if (!conflict) return;
    const theirs = draftOf(conflict.theirs);
    accept(await put(conflict.theirs.version, theirs, merge(baseDraft, draft, theirs).draft));
    showToast(t("editor.saved"));
  }

  function takeTheirs() {
    if (!conflict) return;
    const theirs = draftOf(conflict.theirs);
    const next = merge(baseDraft, draft, theirs).draft;
    for (const field of conflict.fields) next[field] = theirs[field];
    accept(conflict.theirs, next);
  }

  /** Goes on from what was stored beside the draft, which stays unsaved. */
  function takeOver(saved: Campaign) {
    // Someone else's changes may have come along with the newer version.
    const merged = merge(baseDraft, draft, draftOf(saved));
    client.setQueryData(campaignQuery(campaign.id).queryKey, saved);
    setBase(saved);
    setDraft(merged.draft);
    setConflict(merged.conflicts.length > 0 ? { theirs: saved, fields: merged.conflicts } : null);
  }

  /** Stored at once, because its count or its picture comes from the stored campaign; the draft stays unsaved. */
  async function choose(choice: Choice): Promise<void> {
    const attempt = async (version: number) => takeOver(await save.mutateAsync({ version, ...choice }));
    try {
      await attempt(base.version);
    } catch (error) {
      if (isVersionConflict(error)) await attempt((await readTheirs()).version);
    }
  }

  return {
    base,
    draft,
    dirty,
    conflict,
    saving: save.isPending,
    error: isVersionConflict(save.error) ? null : save.error,
    set: (field: DraftField, value: string) => setDraft((before) => ({ ...before, [field]: value })),
    discard: () => accept(base),
    save: () => void store().catch(() => undefined),
    keepMine: () => void keepMine().catch(() => undefined),
    takeTheirs,
    takeOver,
    choose: (choice: Choice) => void choose(choice).catch(() => undefined),
    chooseSegment: (id: string) => void choose({ segment_id: id }).catch(() => undefined),
    chooseTopic: (id: string | null) => void choose({ topic_id: id }).catch(() => undefined),
    chooseProducts: (gids: string[]) => void choose({ product_gids: gids }).catch(() => undefined),
  };
}

export type EditorState = ReturnType<typeof useEditor>;
