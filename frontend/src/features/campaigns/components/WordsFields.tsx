import { Button, FormLayout, TextField } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign, VersionWords } from "@/lib/api/types";

interface Props {
  words: VersionWords;
  campaign: Campaign;
  errorOf: (field: keyof VersionWords) => string | undefined;
  set: (values: Partial<VersionWords>) => void;
  /** What the buttons say that give it content of its own, or take that away. */
  own: string;
  same: string;
}

/** What a version says differently; an empty field is as in the campaign itself. */
export function WordsFields({ words, campaign, errorOf, set, own, same }: Props) {
  const { t } = useI18n();
  const source = campaign.mjml === null ? "html" : "mjml";
  const text = (name: "subject" | "preview_text" | "from_name") => (
    <TextField
      label={t(`editor.field.${name}`)}
      value={words[name] ?? ""}
      placeholder={campaign[name]}
      onChange={(value) => set({ [name]: value === "" ? null : value })}
      error={errorOf(name)}
      autoComplete="off"
    />
  );
  return (
    <FormLayout>
      {text("subject")}
      <FormLayout.Group>
        {text("preview_text")}
        {text("from_name")}
      </FormLayout.Group>
      {words[source] == null ? (
        <Button variant="plain" onClick={() => set({ [source]: campaign[source] ?? "" })}>
          {own}
        </Button>
      ) : (
        <TextField
          label={t(`source.label.${source}`)}
          value={words[source] ?? ""}
          onChange={(value) => set({ [source]: value })}
          error={errorOf("html") ?? errorOf("mjml")}
          multiline={6}
          maxHeight={320}
          monospaced
          labelAction={{ content: same, onAction: () => set({ html: null, mjml: null }) }}
          autoComplete="off"
        />
      )}
    </FormLayout>
  );
}
