import { BlockStack, Card, SkeletonBodyText, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { QueryView } from "@/components/QueryView";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign } from "@/lib/api/types";
import { gateQuery, liveGateQuery } from "../api";
import { GateList } from "./GateList";

export function GateCard({ campaign, dirty }: { campaign: Campaign; dirty: boolean }) {
  const { t } = useI18n();
  const query = useQuery(gateQuery(campaign.id, campaign.version));
  const live = useQuery(liveGateQuery(campaign.id, campaign.version));
  const stopped = (live.data ?? []).some((check) => check.level === "stop");
  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingMd">
          {query.data?.ready && !stopped ? t("gate.ready") : t("gate.title")}
        </Text>
        {dirty && (
          <Text as="p" tone="subdued">
            {t("gate.saved_only")}
          </Text>
        )}
        <QueryView query={query} skeleton={<SkeletonBodyText lines={4} />}>
          {(gate) => <GateList checks={[...gate.checks, ...(live.data ?? [])]} />}
        </QueryView>
        {live.isPending && (
          <Text as="p" tone="subdued">
            {t("gate.asking")}
          </Text>
        )}
      </BlockStack>
    </Card>
  );
}
