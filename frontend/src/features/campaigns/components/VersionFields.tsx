import { Button, FormLayout, TextField } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign, VersionContent } from "@/lib/api/types";

interface Props {
  version: VersionContent;
  letter: string;
  campaign: Campaign;
  errorOf: (field: keyof VersionContent) => string | undefined;
  set: (values: Partial<VersionContent>) => void;
}

const MINUTES_PER_HOUR = 60;

/** What is different in one version; an empty field is as in version A. */
export function VersionFields({ version, letter, campaign, errorOf, set }: Props) {
  const { t } = useI18n();
  const source = campaign.mjml === null ? "html" : "mjml";
  const text = (name: "subject" | "preview_text" | "from_name") => (
    <TextField
      label={t(`editor.field.${name}`)}
      value={version[name] ?? ""}
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
      {version[source] == null ? (
        <Button variant="plain" onClick={() => set({ [source]: campaign[source] ?? "" })}>
          {t("versions.own_content")}
        </Button>
      ) : (
        <TextField
          label={t(`source.label.${source}`)}
          value={version[source] ?? ""}
          onChange={(value) => set({ [source]: value })}
          error={errorOf("html") ?? errorOf("mjml")}
          multiline={6}
          maxHeight={320}
          monospaced
          labelAction={{
            content: t("versions.same_content"),
            onAction: () => set({ html: null, mjml: null }),
          }}
          autoComplete="off"
        />
      )}
    </FormLayout>
  );
}
