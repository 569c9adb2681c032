import {
  BlockStack,
  Button,
  Card,
  ChoiceList,
  FormLayout,
  InlineStack,
  Text,
  TextField,
} from "@shopify/polaris";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign, Pacing } from "@/lib/api/types";
import { fieldError } from "@/lib/fieldErrors";

interface Props {
  campaign: Campaign;
  saving: boolean;
  error: unknown;
  choose: (pacing: Pacing) => void;
}

const MODES = ["at_once", "local_time", "batches", "hourly"] as const;
/** What a mode starts out with: nobody has to think of numbers first. */
const START = { batches: 4, every_minutes: 60, per_hour: 1_000 };

const PLAIN: Pacing = {
  mode: "at_once",
  passed: "at_once",
  batches: null,
  every_minutes: null,
  per_hour: null,
  give_up_days: 7,
};

/** How the sending is spread over time. When it starts is asked last, in the dialogue that sends. */
export function WhenCard({ campaign, saving, error, choose }: Props) {
  const { t } = useI18n();
  const saved: Pacing = { ...PLAIN, ...campaign.pacing };
  const [pacing, setPacing] = useState(saved);
  const dirty = (Object.keys(pacing) as (keyof Pacing)[]).some((name) => pacing[name] !== saved[name]);
  const set = (change: Partial<Pacing>) => setPacing((before) => ({ ...before, ...change }));

  function setMode(mode: Pacing["mode"]) {
    set({
      mode,
      batches: mode === "batches" ? (saved.batches ?? START.batches) : null,
      every_minutes: mode === "batches" ? (saved.every_minutes ?? START.every_minutes) : null,
      per_hour: mode === "hourly" ? (saved.per_hour ?? START.per_hour) : null,
    });
  }

  const number = (name: "batches" | "every_minutes" | "per_hour" | "give_up_days") => (
    <TextField
      label={t(`when.${name}`)}
      type="number"
      min={1}
      value={pacing[name] == null ? "" : String(pacing[name])}
      onChange={(value) => set({ [name]: value === "" ? null : Number(value) })}
      error={fieldError(error, `/pacing/${name}`)}
      helpText={name === "give_up_days" ? t("when.give_up_help") : undefined}
      autoComplete="off"
    />
  );

  return (
    <Card>
      <BlockStack gap="400">
        <Text as="h2" variant="headingMd">
          {t("when.title")}
        </Text>
        <ChoiceList
          title={t("when.mode")}
          choices={MODES.map((mode) => ({
            value: mode,
            label: t(`when.mode.${mode}`),
            helpText: t(`when.mode_help.${mode}`),
          }))}
          selected={[pacing.mode]}
          onChange={([value]) => setMode(value as Pacing["mode"])}
        />
        {pacing.mode === "local_time" && (
          <ChoiceList
            title={t("when.passed")}
            choices={[
              { value: "at_once", label: t("when.passed.at_once") },
              { value: "tomorrow", label: t("when.passed.tomorrow") },
            ]}
            selected={[pacing.passed]}
            onChange={([value]) => set({ passed: value as Pacing["passed"] })}
          />
        )}
        <FormLayout>
          {pacing.mode === "batches" && (
            <FormLayout.Group>
              {number("batches")}
              {number("every_minutes")}
            </FormLayout.Group>
          )}
          {pacing.mode === "hourly" && number("per_hour")}
          {number("give_up_days")}
        </FormLayout>
        {dirty && (
          <InlineStack gap="200">
            <Button onClick={() => choose(pacing)} loading={saving}>
              {t("when.save")}
            </Button>
            <Button variant="plain" onClick={() => setPacing(saved)}>
              {t("action.cancel")}
            </Button>
          </InlineStack>
        )}
      </BlockStack>
    </Card>
  );
}
