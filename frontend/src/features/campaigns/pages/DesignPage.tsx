import { Banner, BlockStack, Text, useBreakpoints } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Navigate, useParams } from "react-router";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { SaveBar } from "@/components/SaveBar";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { BrandKit, Campaign } from "@/lib/api/types";
import { lookQuery } from "@/lib/queries/look";
import { campaignQuery } from "../api";
import { ConflictBanner } from "../components/ConflictBanner";
import { Designer } from "../design/Designer";
import { opened } from "../design/source";
import { useEditor } from "../useEditor";

/** The message to drag, drop and edit in place, for campaigns that have MJML. */
export function DesignPage() {
  const { t } = useI18n();
  const { campaignId = "" } = useParams();
  const campaign = useQuery(campaignQuery(campaignId));
  const look = useQuery(lookQuery);
  if (campaign.data && campaign.data.state !== "draft")
    return <Navigate to={`/campaigns/${campaignId}`} replace />;
  if (campaign.data && look.data)
    return <Design key={campaignId} campaign={campaign.data} look={look.data} />;
  const skeleton = (
    <LoadingRegion>
      <CardSkeleton lines={12} />
    </LoadingRegion>
  );
  return (
    <Page
      title={t("design.title")}
      backAction={{ content: t("editor.title"), url: `/campaigns/${campaignId}/edit` }}
      fullWidth
    >
      <QueryView query={campaign} skeleton={skeleton}>
        {() => (
          <QueryView query={look} skeleton={skeleton}>
            {() => null}
          </QueryView>
        )}
      </QueryView>
    </Page>
  );
}

function Design({ campaign, look }: { campaign: Campaign; look: BrandKit }) {
  const { t } = useI18n();
  const editor = useEditor(campaign);
  const { mdUp } = useBreakpoints();
  const [shown, setShown] = useState({ round: 0, source: opened(campaign.mjml ?? "") });
  const edit = `/campaigns/${campaign.id}/edit`;

  /** The canvas is made anew, since what is on it is no longer what counts. */
  function show(mjml: string) {
    setShown(({ round }) => ({ round: round + 1, source: opened(mjml) }));
  }

  return (
    <Page
      title={campaign.name || t("design.title")}
      subtitle={t("design.subtitle")}
      backAction={{ content: t("editor.title"), url: edit }}
      fullWidth
    >
      <SaveBar
        dirty={editor.dirty}
        saving={editor.saving}
        onSave={editor.save}
        onDiscard={() => {
          editor.discard();
          show(editor.base.mjml ?? "");
        }}
      />
      <BlockStack gap="400">
        {editor.error && <ErrorState error={editor.error} title={t("editor.failed")} />}
        <ConflictBanner
          editor={editor}
          takeTheirs={() => {
            const theirs = editor.conflict?.theirs.mjml ?? "";
            editor.takeTheirs();
            show(theirs);
          }}
        />
        {shown.source && mdUp ? (
          <Designer
            key={shown.round}
            source={shown.source}
            look={look}
            changed={(mjml) => editor.set("mjml", mjml)}
          />
        ) : (
          <Banner
            tone="info"
            title={shown.source ? t("design.too_narrow") : t("design.no_mjml")}
            action={{ content: t("design.open_source"), url: edit }}
          >
            <Text as="p">{shown.source ? t("design.too_narrow_body") : t("design.no_mjml_body")}</Text>
          </Banner>
        )}
      </BlockStack>
    </Page>
  );
}
