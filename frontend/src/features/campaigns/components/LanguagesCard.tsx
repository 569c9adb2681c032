import { BlockStack, Button, Card, Divider, InlineStack, Select, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign, LanguageContent, LanguageVersion } from "@/lib/api/types";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { useSaveLanguages, variantsQuery } from "../variantsApi";
import { languageName, OFFERED } from "../versionNames";
import type { Look } from "./PreviewPane";
import { WordsFields } from "./WordsFields";

interface Props {
  campaign: Campaign;
  /** Everything else in the editor goes on from what was saved here. */
  onSaved: (campaign: Campaign) => void;
  /** Shows in the preview what is being written. */
  onLook: (look: Look) => void;
}

const MAX_LANGUAGES = 20;
const NOTHING = { subject: null, preview_text: null, from_name: null, html: null, mjml: null };

/** The message in other languages, each for those whose locale says that they read it. */
export function LanguagesCard(props: Props) {
  const query = useQuery(variantsQuery(props.campaign.id, props.campaign.version));
  return (
    <QueryView query={query} skeleton={<CardSkeleton lines={2} />}>
      {({ languages }) => (
        <Card>
          <LanguagesForm key={JSON.stringify(languages)} stored={languages} {...props} />
        </Card>
      )}
    </QueryView>
  );
}

function contentOf({ number: _number, ...content }: LanguageVersion): LanguageContent {
  return content;
}

function LanguagesForm({ campaign, stored, onSaved, onLook }: Props & { stored: LanguageVersion[] }) {
  const { t, locale: reader } = useI18n();
  const [languages, setLanguages] = useState<LanguageContent[]>(() => stored.map(contentOf));
  const save = useSaveLanguages(campaign.id);
  const dirty = JSON.stringify(languages) !== JSON.stringify(stored.map(contentOf));
  const spoken = new Set(languages.map((one) => one.locale));
  const offered = OFFERED.filter((tag) => !spoken.has(tag))
    .map((tag) => ({ value: tag as string, label: languageName(tag, reader) }))
    .sort((a, b) => a.label.localeCompare(b.label, reader));

  function look(words: LanguageContent) {
    const known = stored.find((one) => one.locale === words.locale);
    onLook({ number: known?.number ?? null, locale: words.locale, words });
  }

  function add(locale: string) {
    const added = { ...NOTHING, locale };
    setLanguages((before) => [...before, added]);
    look(added);
  }

  function change(place: number, values: Partial<LanguageContent>) {
    const before = languages[place];
    if (!before) return;
    const changed = { ...before, ...values };
    setLanguages(languages.map((one, at) => (at === place ? changed : one)));
    look(changed);
  }

  return (
    <BlockStack gap="400">
      <Text as="h2" variant="headingMd">
        {t("languages.title")}
      </Text>
      <Text as="p" tone="subdued">
        {t(
          languages.length === 0
            ? "languages.none"
            : campaign.tested
              ? "languages.tested"
              : "languages.explain",
        )}
      </Text>
      {save.error && hasOtherProblem(save.error, ["/languages"]) && (
        <ErrorState error={save.error} title={t("editor.failed")} />
      )}
      {languages.map((words, place) => (
        <BlockStack gap="300" key={words.locale}>
          <Divider />
          <InlineStack align="space-between" blockAlign="center">
            <Text as="h3" variant="headingSm">
              {languageName(words.locale, reader)}
            </Text>
            <Button
              variant="plain"
              tone="critical"
              onClick={() => setLanguages((before) => before.filter((_one, at) => at !== place))}
            >
              {t("languages.remove", { language: languageName(words.locale, reader) })}
            </Button>
          </InlineStack>
          {fieldError(save.error, `/languages/${place}/locale`) && (
            <Text as="p" tone="critical">
              {fieldError(save.error, `/languages/${place}/locale`)}
            </Text>
          )}
          <WordsFields
            words={words}
            campaign={campaign}
            errorOf={(field) => fieldError(save.error, `/languages/${place}/${field}`)}
            set={(values) => change(place, values)}
            own={t("languages.own_content")}
            same={t("languages.same_content")}
          />
        </BlockStack>
      ))}
      {languages.length < MAX_LANGUAGES && (
        <Select
          label={t("languages.add")}
          options={[{ value: "", label: t("languages.choose") }, ...offered]}
          value=""
          onChange={add}
        />
      )}
      {dirty && (
        <Button
          onClick={() => save.mutate({ version: campaign.version, languages }, { onSuccess: onSaved })}
          loading={save.isPending}
        >
          {t("languages.save")}
        </Button>
      )}
    </BlockStack>
  );
}
