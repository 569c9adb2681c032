import { BlockStack, Button, InlineGrid } from "@shopify/polaris";
import { EmailIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion, TilesSkeleton } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign, Report } from "@/lib/api/types";
import { useMay, useSession } from "@/lib/useSession";
import {
  campaignQuery,
  sampleSubjectQuery,
  useCancelCampaign,
  useDuplicateCampaign,
  usePauseCampaign,
  useResumeCampaign,
} from "../api";
import { CodesReport } from "../components/CodesReport";
import { ConfirmModal } from "../components/ConfirmModal";
import { DeliverabilityCard } from "../components/DeliverabilityCard";
import { Funnel } from "../components/Funnel";
import { Headline } from "../components/Headline";
import { LinkHeat } from "../components/LinkHeat";
import { Losses } from "../components/Losses";
import { Recipients } from "../components/Recipients";
import { RevenueChart } from "../components/RevenueChart";
import { SendingCard } from "../components/SendingCard";
import { TestResultCard } from "../components/TestResultCard";
import { TopLinks } from "../components/TopLinks";
import { VersionsReport } from "../components/VersionsReport";
import { WaitingCard } from "../components/WaitingCard";
import { reportQuery, useExport } from "../reportApi";
import { hasVariables, subjectInWords } from "../subjectInWords";
import { useFollowUp } from "../variantsApi";

const UNSENT = ["draft", "scheduled"];
const OVER = ["sent", "cancelled"];
const FOLLOW_UPS = ["rest", "non_openers", "failed"] as const;

export function ReportPage() {
  const { t } = useI18n();
  const { campaignId = "" } = useParams();
  const navigate = useNavigate();
  const campaign = useQuery(campaignQuery(campaignId));
  const report = useQuery(reportQuery(campaignId));
  const pause = usePauseCampaign(campaignId);
  const resume = useResumeCampaign(campaignId);
  const cancel = useCancelCampaign(campaignId);
  const duplicate = useDuplicateCampaign(campaignId);
  const download = useExport(campaignId);
  const subject = useSubject(campaign.data);
  const [cancelling, setCancelling] = useState(false);
  const followUp = useFollowUp(campaignId);
  const maySend = useMay("send");
  const mayEdit = useMay("edit");
  const mayManage = useMay("manage");
  const state = report.data?.state ?? campaign.data?.state;
  const failure =
    pause.error ?? resume.error ?? cancel.error ?? duplicate.error ?? followUp.error ?? download.error;
  const isSent = report.data !== undefined && !UNSENT.includes(report.data.state);

  const primary =
    maySend && state === "sending"
      ? { content: t("report.pause"), loading: pause.isPending, onAction: () => pause.mutate() }
      : maySend && state === "paused"
        ? { content: t("report.resume"), loading: resume.isPending, onAction: () => resume.mutate() }
        : undefined;

  return (
    <Page
      title={campaign.data?.name ?? t("report.title")}
      {...(subject ? { subtitle: subject } : {})}
      titleMetadata={state ? <StateBadge state={state} /> : undefined}
      backAction={{ content: t("nav.campaigns"), url: "/campaigns" }}
      {...(primary ? { primaryAction: primary } : {})}
      secondaryActions={[
        ...(maySend && (state === "sending" || state === "paused")
          ? [{ content: t("report.cancel"), destructive: true, onAction: () => setCancelling(true) }]
          : []),
        ...(isSent ? [{ content: t("report.export"), onAction: () => download.mutate("report") }] : []),
        ...(isSent && mayManage
          ? [{ content: t("report.export_recipients"), onAction: () => download.mutate("recipients") }]
          : []),
        {
          content: t("editor.duplicate"),
          loading: duplicate.isPending,
          onAction: () =>
            duplicate.mutate(undefined, { onSuccess: (copy) => void navigate(`/campaigns/${copy.id}/edit`) }),
        },
        ...(mayEdit && state && OVER.includes(state)
          ? FOLLOW_UPS.map((kind) => ({
              content: t(`follow_up.${kind}`),
              loading: followUp.isPending && followUp.variables === kind,
              onAction: () =>
                followUp.mutate(kind, { onSuccess: (draft) => void navigate(`/campaigns/${draft.id}/edit`) }),
            }))
          : []),
      ]}
    >
      <BlockStack gap="400">
        {failure && <ErrorState error={failure} title={t("editor.failed")} />}
        <QueryView
          query={report}
          skeleton={<ReportSkeleton />}
          isEmpty={(data) => UNSENT.includes(data.state)}
          empty={
            <EmptyState
              icon={EmailIcon}
              title={t("report.unsent.title")}
              action={
                <Button url={`/campaigns/${campaignId}/edit`} variant="primary">
                  {t("report.unsent.action")}
                </Button>
              }
            >
              {t("report.unsent.body")}
            </EmptyState>
          }
        >
          {(data) => (
            <ReportContent
              report={data}
              campaignId={campaignId}
              campaign={campaign.data ?? null}
              readAt={report.dataUpdatedAt}
            />
          )}
        </QueryView>
      </BlockStack>
      {cancelling && report.data && (
        <ConfirmModal
          title={t("report.cancel_title", { count: report.data.counts.pending })}
          body={t("report.cancel_body", { count: report.data.counts.accepted })}
          action={t("report.cancel")}
          busy={cancel.isPending}
          confirm={() => cancel.mutate(undefined, { onSettled: () => setCancelling(false) })}
          close={() => setCancelling(false)}
        />
      )}
    </Page>
  );
}

/** What stood in the inbox, not its source. */
function useSubject(campaign: Campaign | undefined): string | undefined {
  const { shop } = useSession();
  const subject = campaign?.subject ?? "";
  const sample = useQuery({
    ...sampleSubjectQuery(campaign?.id ?? "", subject),
    enabled: hasVariables(subject),
  });
  return hasVariables(subject) ? (sample.data ?? subjectInWords(subject, shop.name)) : subject;
}

interface ContentProps {
  report: Report;
  campaignId: string;
  campaign: Campaign | null;
  readAt: number;
}

function ReportContent({ report, campaignId, campaign, readAt }: ContentProps) {
  return (
    <BlockStack gap="400">
      <SendingCard report={report} reason={campaign?.pause_reason ?? null} readAt={readAt} />
      <WaitingCard report={report} />
      <Headline report={report} />
      {campaign?.tested && <TestResultCard campaignId={campaignId} state={report.state} />}
      {report.counts.audience > 0 && <VersionsReport campaignId={campaignId} state={report.state} />}
      <InlineGrid columns={{ xs: 1, lg: 2 }} gap="400" alignItems="start">
        <Funnel report={report} />
        <RevenueChart report={report} />
      </InlineGrid>
      <InlineGrid columns={{ xs: 1, lg: 2 }} gap="400" alignItems="start">
        {/* Before the audience is drawn there is no message to show. */}
        {report.counts.audience > 0 && <LinkHeat campaignId={campaignId} report={report} />}
        <BlockStack gap="400">
          <TopLinks report={report} />
          <Losses report={report} />
        </BlockStack>
      </InlineGrid>
      {report.codes && <CodesReport codes={report.codes} />}
      <DeliverabilityCard campaignId={campaignId} state={report.state} />
      <Recipients campaignId={campaignId} state={report.state} />
    </BlockStack>
  );
}

function ReportSkeleton() {
  return (
    <LoadingRegion>
      <BlockStack gap="400">
        <TilesSkeleton count={4} />
        <InlineGrid columns={{ xs: 1, lg: 2 }} gap="400">
          <CardSkeleton lines={6} />
          <CardSkeleton lines={6} />
        </InlineGrid>
      </BlockStack>
    </LoadingRegion>
  );
}
