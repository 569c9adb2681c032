import {
  BlockStack,
  Button,
  Card,
  Divider,
  FormLayout,
  InlineStack,
  Select,
  Text,
  TextField,
} from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign, Variants, VersionContent, VersionTest } from "@/lib/api/types";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { useSaveVariants, variantsQuery } from "../variantsApi";
import { letter } from "../versionNames";
import type { Look } from "./PreviewPane";
import { VersionFields } from "./VersionFields";

interface Props {
  campaign: Campaign;
  /** Everything else in the editor goes on from what was saved here. */
  onSaved: (campaign: Campaign) => void;
  /** Shows in the preview what is being written. */
  onLook: (look: Look) => void;
}

const MAX_FURTHER = 4;
const NEW_TEST: VersionTest = { metric: "clicks", share_percent: 20, wait_hours: 4, weight: 1 };
const NEW_VERSION: VersionContent = {
  weight: 1,
  subject: null,
  preview_text: null,
  from_name: null,
  html: null,
  mjml: null,
  delay_minutes: 0,
};

/** Further versions of the message, and how the best one is found. */
export function TestCard({ campaign, onSaved, onLook }: Props) {
  const query = useQuery(variantsQuery(campaign.id, campaign.version));
  return (
    <QueryView query={query} skeleton={<CardSkeleton lines={2} />}>
      {(stored) => (
        <Card>
          <TestForm
            key={JSON.stringify([stored.test, stored.versions])}
            campaign={campaign}
            stored={stored}
            onSaved={onSaved}
            onLook={onLook}
          />
        </Card>
      )}
    </QueryView>
  );
}

function TestForm({ campaign, stored, onSaved, onLook }: Props & { stored: Variants }) {
  const { t } = useI18n();
  const [test, setTest] = useState<VersionTest | null>(stored.test && { ...NEW_TEST, ...stored.test });
  const [versions, setVersions] = useState<VersionContent[]>(() =>
    stored.versions.map(({ number: _number, ...content }) => content),
  );
  const save = useSaveVariants(campaign.id);
  const dirty =
    JSON.stringify({ test, versions }) !==
    JSON.stringify({
      test: stored.test,
      versions: stored.versions.map(({ number: _number, ...content }) => content),
    });
  function look(place: number, words: VersionContent) {
    const number = place + 1;
    onLook({ number: number <= stored.versions.length ? number : null, letter: letter(number), words });
  }

  function change(place: number, values: Partial<VersionContent>) {
    const before = versions[place];
    if (!before) return;
    const changed = { ...before, ...values };
    setVersions(versions.map((one, at) => (at === place ? changed : one)));
    look(place, changed);
  }

  function addVersion() {
    setTest((before) => before ?? NEW_TEST);
    const added = { ...NEW_VERSION, subject: campaign.subject };
    setVersions((before) => [...before, added]);
    look(versions.length, added);
  }

  function removeVersion(place: number) {
    setVersions((before) => before.filter((_one, at) => at !== place));
    if (versions.length === 1) setTest(null);
  }

  const store = () =>
    save.mutate({ version: campaign.version, test, versions }, { onSuccess: (saved) => onSaved(saved) });

  return (
    <BlockStack gap="400">
      <InlineStack align="space-between" blockAlign="center">
        <Text as="h2" variant="headingMd">
          {t("versions.title")}
        </Text>
        {versions.length < MAX_FURTHER && (
          <Button variant="plain" onClick={addVersion}>
            {t("versions.add")}
          </Button>
        )}
      </InlineStack>
      {versions.length === 0 && (
        <Text as="p" tone="subdued">
          {t("versions.none")}
        </Text>
      )}
      {save.error && hasOtherProblem(save.error, ["/versions", "/test"]) && (
        <ErrorState error={save.error} title={t("editor.failed")} />
      )}
      {test && <TestFields test={test} error={save.error} set={setTest} />}
      {versions.map((version, place) => (
        // Versions have no names of their own: their place is what they are.
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        <BlockStack gap="300" key={place}>
          <Divider />
          <InlineStack align="space-between" blockAlign="center">
            <Text as="h3" variant="headingSm">
              {t("versions.name", { letter: letter(place + 1) })}
            </Text>
            <Button variant="plain" tone="critical" onClick={() => removeVersion(place)}>
              {t("versions.remove", { letter: letter(place + 1) })}
            </Button>
          </InlineStack>
          <VersionFields
            version={version}
            letter={letter(place + 1)}
            campaign={campaign}
            errorOf={(field) => fieldError(save.error, `/versions/${place}/${field}`)}
            set={(values) => change(place, values)}
          />
        </BlockStack>
      ))}
      {dirty && (
        <Button onClick={store} loading={save.isPending}>
          {t("versions.save")}
        </Button>
      )}
    </BlockStack>
  );
}

interface FieldsProps {
  test: VersionTest;
  error: unknown;
  set: (test: VersionTest) => void;
}

function TestFields({ test, error, set }: FieldsProps) {
  const { t } = useI18n();
  const number = (name: "share_percent" | "wait_hours" | "weight", suffix?: string) => (
    <TextField
      label={name === "weight" ? t("versions.weight", { letter: letter(0) }) : t(`versions.${name}`)}
      type="number"
      min={1}
      suffix={suffix}
      value={String(test[name])}
      onChange={(value) => set({ ...test, [name]: Number(value) })}
      error={fieldError(error, `/test/${name}`)}
      autoComplete="off"
    />
  );
  return (
    <BlockStack gap="300">
      <FormLayout>
        <FormLayout.Group>
          <Select
            label={t("versions.metric")}
            options={(["clicks", "opens", "revenue"] as const).map((value) => ({
              value,
              label: t(`versions.metric.${value}`),
            }))}
            value={test.metric}
            onChange={(metric) => set({ ...test, metric: metric as VersionTest["metric"] })}
          />
          {number("share_percent", "%")}
        </FormLayout.Group>
        <FormLayout.Group>
          {test.share_percent < 100 && number("wait_hours")}
          {number("weight")}
        </FormLayout.Group>
      </FormLayout>
      <Text as="p" tone="subdued">
        {t(test.share_percent < 100 ? "versions.explain" : "versions.explain_even")}
      </Text>
    </BlockStack>
  );
}
