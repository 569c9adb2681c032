import { InlineGrid } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { Navigate, useParams } from "react-router";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { campaignQuery } from "../api";
import { Editor } from "../components/Editor";

const EDITABLE = ["draft", "scheduled"];

export function EditorPage() {
  const { t } = useI18n();
  const { campaignId = "" } = useParams();
  const query = useQuery(campaignQuery(campaignId));
  if (query.data && !EDITABLE.includes(query.data.state))
    return <Navigate to={`/campaigns/${campaignId}`} replace />;
  if (query.data) return <Editor key={`${campaignId}:${query.data.state}`} campaign={query.data} />;
  return (
    <Page title={t("editor.title")} backAction={{ content: t("nav.campaigns"), url: "/campaigns" }} fullWidth>
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <InlineGrid columns={{ xs: 1, lg: 2 }} gap="400">
              <CardSkeleton lines={8} />
              <CardSkeleton lines={12} />
            </InlineGrid>
          </LoadingRegion>
        }
      >
        {() => null}
      </QueryView>
    </Page>
  );
}
