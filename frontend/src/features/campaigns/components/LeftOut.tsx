import { BlockStack, InlineStack, Select, Tag, Text, TextField } from "@shopify/polaris";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign, Segment } from "@/lib/api/types";

interface Props {
  campaign: Campaign;
  segments: readonly Segment[];
  choose: (choice: { excluded_segment_ids: string[] } | { holdout_percent: number }) => void;
}

const MAX_EXCLUDED = 10;
const MAX_PERCENT = 50;

/** Whom the campaign leaves out of its segment: other segments, and some people to measure what it brings. */
export function LeftOut({ campaign, segments, choose }: Props) {
  const { t } = useI18n();
  const excluded = campaign.excluded_segment_ids;
  const [percent, setPercent] = useState(String(campaign.holdout_percent));
  const names = new Map(segments.map((segment) => [segment.id, segment.name]));
  const left = segments.filter(({ id }) => id !== campaign.segment_id && !excluded.includes(id));

  function storePercent() {
    const value = Math.min(Math.max(Math.round(Number(percent)) || 0, 0), MAX_PERCENT);
    setPercent(String(value));
    if (value !== campaign.holdout_percent) choose({ holdout_percent: value });
  }

  return (
    <BlockStack gap="300">
      <Select
        label={t("audience.exclude")}
        options={[
          { value: "", label: t("audience.exclude_choose"), disabled: true },
          ...left.map(({ id, name }) => ({ value: id, label: name })),
        ]}
        value=""
        disabled={excluded.length >= MAX_EXCLUDED}
        onChange={(id) => choose({ excluded_segment_ids: [...excluded, id] })}
      />
      {excluded.length > 0 && (
        <InlineStack gap="200">
          {excluded.map((id) => (
            <Tag
              key={id}
              onRemove={() => choose({ excluded_segment_ids: excluded.filter((other) => other !== id) })}
            >
              {names.get(id) ?? id}
            </Tag>
          ))}
        </InlineStack>
      )}
      <TextField
        label={t("audience.holdout")}
        type="number"
        min={0}
        max={MAX_PERCENT}
        suffix="%"
        value={percent}
        onChange={setPercent}
        onBlur={storePercent}
        helpText={t("audience.holdout_help")}
        autoComplete="off"
      />
      {campaign.origin && (
        <Text as="p" tone="subdued">
          {t(`audience.origin.${campaign.origin.kind}`)}
        </Text>
      )}
    </BlockStack>
  );
}
