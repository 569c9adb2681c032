import { useQuery } from "@tanstack/react-query";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { lookQuery } from "@/lib/queries/look";
import { LookForm } from "../components/LookForm";

export function LookPage() {
  const { t } = useI18n();
  const query = useQuery(lookQuery);
  return (
    <Page
      title={t("look.title")}
      subtitle={t("look.taken_over")}
      backAction={{ content: t("nav.settings"), url: "/settings" }}
      fullWidth
    >
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={12} />
          </LoadingRegion>
        }
      >
        {(look) => <LookForm saved={look} />}
      </QueryView>
    </Page>
  );
}
