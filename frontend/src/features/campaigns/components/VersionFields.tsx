import { BlockStack, FormLayout, TextField } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign, VersionContent } from "@/lib/api/types";
import { WordsFields } from "./WordsFields";

interface Props {
  version: VersionContent;
  letter: string;
  campaign: Campaign;
  errorOf: (field: keyof VersionContent) => string | undefined;
  set: (values: Partial<VersionContent>) => void;
}

const MINUTES_PER_HOUR = 60;

/** What is different in one version of a test. */
export function VersionFields({ version, letter, campaign, errorOf, set }: Props) {
  const { t } = useI18n();
  return (
    <BlockStack gap="400">
      <WordsFields
        words={version}
        campaign={campaign}
        errorOf={errorOf}
        set={set}
        own={t("versions.own_content")}
        same={t("versions.same_content")}
      />
      <FormLayout>
        <FormLayout.Group>
          <TextField
            label={t("versions.delay")}
            type="number"
            min={0}
            value={String((version.delay_minutes ?? 0) / MINUTES_PER_HOUR)}
            onChange={(value) => set({ delay_minutes: Math.round(Number(value) * MINUTES_PER_HOUR) })}
            error={errorOf("delay_minutes")}
            autoComplete="off"
          />
          <TextField
            label={t("versions.weight", { letter })}
            type="number"
            min={1}
            value={String(version.weight ?? 1)}
            onChange={(value) => set({ weight: Number(value) })}
            error={errorOf("weight")}
            autoComplete="off"
          />
        </FormLayout.Group>
      </FormLayout>
    </BlockStack>
  );
}
