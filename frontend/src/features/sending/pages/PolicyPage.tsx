import { useQuery } from "@tanstack/react-query";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { policyQuery } from "../api";
import { PolicyForm } from "../components/PolicyForm";

/** When and how often people are written to. What may not go out now is put off, not dropped. */
export function PolicyPage() {
  const { t } = useI18n();
  const query = useQuery(policyQuery);
  return (
    <Page
      title={t("policy.title")}
      subtitle={t("policy.why")}
      backAction={{ content: t("nav.settings"), url: "/settings" }}
    >
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={8} />
          </LoadingRegion>
        }
      >
        {(policy) => <PolicyForm key={JSON.stringify(policy)} policy={policy} />}
      </QueryView>
    </Page>
  );
}
