import { BlockStack, Button, Card, InlineStack, Select, SkeletonBodyText, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { ErrorState } from "@/components/ErrorState";
import { QueryView } from "@/components/QueryView";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign } from "@/lib/api/types";
import { segmentsQuery } from "@/lib/queries/segments";
import { topicsQuery } from "@/lib/queries/topics";
import { audienceQuery } from "../api";
import styles from "./AudienceCard.module.css";
import { LeftOut } from "./LeftOut";

interface Props {
  campaign: Campaign;
  choose: (segmentId: string) => void;
  chooseTopic: (topicId: string | null) => void;
  chooseOther: (choice: { excluded_segment_ids: string[] } | { holdout_percent: number }) => void;
}

/** Who gets the message, counted now, and why others of the segment do not. */
export function AudienceCard({ campaign, choose, chooseTopic, chooseOther }: Props) {
  const { t } = useI18n();
  const topics = useQuery(topicsQuery);
  const segments = useQuery(segmentsQuery);
  return (
    <Card>
      <BlockStack gap="400">
        <InlineStack align="space-between" blockAlign="center">
          <Text as="h2" variant="headingMd">
            {t("audience.title")}
          </Text>
          <Button variant="plain" url="/segments/new">
            {t("segments.create")}
          </Button>
        </InlineStack>
        {segments.error && <ErrorState error={segments.error} retry={() => void segments.refetch()} />}
        <Select
          label={t("audience.segment")}
          options={[
            {
              value: "",
              label: segments.isPending ? t("state.loading") : t("audience.choose"),
              disabled: true,
            },
            ...(segments.data?.items ?? []).map((segment) => ({ value: segment.id, label: segment.name })),
          ]}
          value={campaign.segment_id ?? ""}
          onChange={choose}
        />
        {topics.data?.some((topic) => !topic.archived || topic.id === campaign.topic_id) && (
          <Select
            label={t("topics.of_campaign")}
            helpText={t("topics.of_campaign_help")}
            options={[
              { value: "", label: t("topics.any") },
              ...topics.data
                .filter((topic) => !topic.archived || topic.id === campaign.topic_id)
                .map((topic) => ({ value: topic.id, label: topic.name })),
            ]}
            value={campaign.topic_id ?? ""}
            onChange={(id) => chooseTopic(id || null)}
          />
        )}
        <LeftOut
          key={campaign.holdout_percent}
          campaign={campaign}
          segments={segments.data?.items ?? []}
          choose={chooseOther}
        />
        {campaign.segment_id || campaign.origin ? (
          <AudienceCount campaign={campaign} />
        ) : (
          <Text as="p" tone="subdued">
            {t("audience.none")}
          </Text>
        )}
      </BlockStack>
    </Card>
  );
}

function AudienceCount({ campaign }: { campaign: Campaign }) {
  const { t, f } = useI18n();
  const query = useQuery(audienceQuery(campaign.id, campaign.version));
  return (
    <QueryView query={query} skeleton={<SkeletonBodyText lines={2} />}>
      {(audience) => (
        <BlockStack gap="200">
          <p className={styles.figure} aria-live="polite">
            {t("audience.recipients", { count: audience.recipients })}
          </p>
          <Text as="p" tone="subdued">
            {t("audience.members", { count: audience.members })}
          </Text>
          {audience.exclusions.length > 0 && (
            <ul className={styles.exclusions} aria-label={t("audience.exclusions")}>
              {audience.exclusions.map((exclusion) => (
                <li key={exclusion.reason}>
                  <span>{t.code("exclusion", exclusion.reason)}</span>
                  <span>−{f.number(exclusion.count)}</span>
                </li>
              ))}
            </ul>
          )}
        </BlockStack>
      )}
    </QueryView>
  );
}
