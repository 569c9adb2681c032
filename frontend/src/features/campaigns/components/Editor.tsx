import { Banner, BlockStack, Button } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { SaveBar } from "@/components/SaveBar";
import { StateBadge } from "@/components/StateBadge";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign } from "@/lib/api/types";
import { useDebounced } from "@/lib/useDebounced";
import { useMay } from "@/lib/useSession";
import { useCancelCampaign, useDeleteCampaign, useDuplicateCampaign } from "../api";
import { readsPicked } from "../blocks";
import { sourceField, sourceOf } from "../draft";
import { checkQuery } from "../templatesApi";
import { useEditor } from "../useEditor";
import { AudienceCard } from "./AudienceCard";
import { CodesCard } from "./CodesCard";
import { ConfirmModal } from "./ConfirmModal";
import { ConflictBanner } from "./ConflictBanner";
import { ContentCard } from "./ContentCard";
import styles from "./Editor.module.css";
import { GateCard } from "./GateCard";
import { LanguagesCard } from "./LanguagesCard";
import { type Look, PreviewPane, RENDER_AFTER_MS } from "./PreviewPane";
import { PriorityCard } from "./PriorityCard";
import { ProductsCard } from "./ProductsCard";
import { SaveTemplateModal } from "./SaveTemplateModal";
import { SenderCard } from "./SenderCard";
import { SendModal } from "./SendModal";
import { SourceCard } from "./SourceCard";
import { TestCard } from "./TestCard";
import { TestModal } from "./TestModal";
import { WhenCard } from "./WhenCard";

/** Writing a campaign: content on the left, the message as a customer gets it on the right. */
export function Editor({ campaign }: { campaign: Campaign }) {
  const { t, f } = useI18n();
  const navigate = useNavigate();
  const editor = useEditor(campaign);
  const { base, draft, dirty } = editor;
  const [open, setOpen] = useState<"send" | "test" | "template" | "delete" | null>(null);
  const [look, setLook] = useState<Look | null>(null);
  const duplicate = useDuplicateCampaign(campaign.id);
  const drop = useDeleteCampaign(campaign.id);
  const unschedule = useCancelCampaign(campaign.id);
  // Consent does not hold a transactional message: who lets it go answers for that.
  const mayManage = useMay("manage");
  const maySend = useMay("send") && (base.priority !== "transactional" || mayManage);
  const mayEdit = useMay("edit");
  const settled = useDebounced(draft, RENDER_AFTER_MS);
  const source = sourceField(draft);
  const check = useQuery(checkQuery(settled.subject, sourceOf(settled)));
  const problems = (check.data?.errors ?? []).filter((fault) => fault.field !== "subject");
  const broken = check.data?.ok === false;
  const failure = editor.error ?? duplicate.error ?? drop.error ?? unschedule.error;

  /** What is stored now may be numbered in another way. */
  function onVersionsSaved(saved: Campaign) {
    setLook(null);
    editor.takeOver(saved);
  }

  return (
    <Page
      title={base.name || t("editor.title")}
      titleMetadata={<StateBadge state={base.state} />}
      backAction={{ content: t("nav.campaigns"), url: "/campaigns" }}
      fullWidth
      primaryAction={
        <Button
          variant="primary"
          disabled={dirty || !maySend || base.state !== "draft"}
          onClick={() => setOpen("send")}
        >
          {t("editor.review")}
        </Button>
      }
      secondaryActions={[
        { content: t("editor.test"), onAction: () => setOpen("test"), disabled: dirty },
        ...(source === "mjml" && base.state === "draft"
          ? [{ content: t("editor.design"), url: `/campaigns/${campaign.id}/design`, disabled: dirty }]
          : []),
        ...(mayEdit
          ? [{ content: t("template.save"), onAction: () => setOpen("template"), disabled: broken }]
          : []),
        {
          content: t("editor.duplicate"),
          loading: duplicate.isPending,
          onAction: () =>
            duplicate.mutate(undefined, { onSuccess: (copy) => void navigate(`/campaigns/${copy.id}/edit`) }),
        },
        { content: t("editor.delete"), destructive: true, onAction: () => setOpen("delete") },
      ]}
    >
      <SaveBar
        dirty={dirty && !drop.isSuccess}
        saving={editor.saving}
        onSave={editor.save}
        onDiscard={editor.discard}
      />
      <BlockStack gap="400">
        {failure && <ErrorState error={failure} title={t("editor.failed")} />}
        {base.state === "scheduled" && base.scheduled_at && (
          <Banner
            tone="info"
            title={t("editor.scheduled", { time: f.dateTime(base.scheduled_at), zone: f.timeZone })}
            action={{
              content: t("editor.unschedule"),
              loading: unschedule.isPending,
              onAction: () => unschedule.mutate(),
            }}
          />
        )}
        <ConflictBanner editor={editor} takeTheirs={editor.takeTheirs} />
        <div className={styles.columns}>
          {/* What is scheduled goes out as it was confirmed; to change it, take the schedule back. */}
          <fieldset className={styles.form} disabled={base.state !== "draft"}>
            <BlockStack gap="400">
              <ContentCard draft={draft} faults={check.data?.errors ?? []} set={editor.set} />
              <AudienceCard
                campaign={base}
                choose={editor.chooseSegment}
                chooseTopic={editor.chooseTopic}
                chooseOther={editor.choose}
              />
              <PriorityCard campaign={base} onSaved={editor.takeOver} />
              <WhenCard
                key={JSON.stringify(base.pacing)}
                campaign={base}
                saving={editor.saving}
                error={editor.error}
                choose={(pacing) => editor.choose({ pacing })}
              />
              <SenderCard draft={draft} set={editor.set} />
              <SourceCard
                field={source}
                source={draft[source]}
                problems={problems}
                checking={check.isFetching}
                set={editor.set}
              />
              {readsPicked(draft[source]) && (
                <ProductsCard
                  gids={base.product_gids}
                  saving={editor.saving}
                  choose={editor.chooseProducts}
                />
              )}
              <LanguagesCard campaign={base} onSaved={onVersionsSaved} onLook={setLook} />
              <TestCard campaign={base} onSaved={onVersionsSaved} onLook={setLook} />
              <CodesCard campaign={base} saving={editor.saving} choose={editor.choose} />
              <GateCard campaign={base} dirty={dirty} />
            </BlockStack>
          </fieldset>
          <PreviewPane campaign={base} content={settled} broken={broken} look={look} setLook={setLook} />
        </div>
      </BlockStack>
      {open === "send" && <SendModal campaign={base} close={() => setOpen(null)} />}
      {open === "test" && <TestModal campaign={base} close={() => setOpen(null)} />}
      {open === "template" && <SaveTemplateModal draft={draft} close={() => setOpen(null)} />}
      {open === "delete" && (
        <ConfirmModal
          title={t("editor.delete_title", { name: base.name })}
          body={t("editor.delete_body")}
          action={t("editor.delete")}
          busy={drop.isPending}
          confirm={() =>
            drop.mutate(undefined, {
              onSuccess: () => void navigate("/campaigns"),
              onSettled: () => setOpen(null),
            })
          }
          close={() => setOpen(null)}
        />
      )}
    </Page>
  );
}
