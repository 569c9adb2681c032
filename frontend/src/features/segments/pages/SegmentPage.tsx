import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { fieldsQuery, segmentQuery } from "../api";
import { SegmentEditor } from "../components/SegmentEditor";

function EditorSkeleton() {
  return (
    <LoadingRegion>
      <CardSkeleton lines={6} />
    </LoadingRegion>
  );
}

export function NewSegmentPage() {
  const { t } = useI18n();
  const fields = useQuery(fieldsQuery);
  if (fields.data) return <SegmentEditor segment={null} groups={fields.data.groups} />;
  return (
    <Page title={t("segments.new")} backAction={{ content: t("nav.segments"), url: "/segments" }}>
      <QueryView query={fields} skeleton={<EditorSkeleton />}>
        {() => null}
      </QueryView>
    </Page>
  );
}

export function SegmentPage() {
  const { t } = useI18n();
  const { segmentId = "" } = useParams();
  const segment = useQuery(segmentQuery(segmentId));
  const fields = useQuery(fieldsQuery);
  if (segment.data && fields.data) {
    return <SegmentEditor key={segment.data.id} segment={segment.data} groups={fields.data.groups} />;
  }
  return (
    <Page title={t("segments.one")} backAction={{ content: t("nav.segments"), url: "/segments" }}>
      <QueryView query={segment} skeleton={<EditorSkeleton />}>
        {() => (
          <QueryView query={fields} skeleton={<EditorSkeleton />}>
            {() => null}
          </QueryView>
        )}
      </QueryView>
    </Page>
  );
}
