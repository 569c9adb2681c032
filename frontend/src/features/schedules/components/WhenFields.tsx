import { BlockStack, Button, ChoiceList, FormLayout, InlineStack, Select, TextField } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useI18n } from "@/i18n/useI18n";
import { fieldError } from "@/lib/fieldErrors";
import { useDebounced } from "@/lib/useDebounced";
import { useSession } from "@/lib/useSession";
import { previewQuery } from "../api";
import { type Draft, type Unit, whenOf } from "../draft";

const EXAMPLES = ["*/15 * * * *", "0 * * * *", "0 9 * * *", "0 9 * * 1", "0 9 1 * *"] as const;
const TYPING_MS = 300;

interface Props {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  error: unknown;
}

/** When it is due. What the clock cannot read is told while it is typed, by the same judge that saves it. */
export function WhenFields({ draft, change, error }: Props) {
  const { t } = useI18n();
  const { shop } = useSession();
  const when = useDebounced(JSON.stringify(whenOf(draft)), TYPING_MS);
  const preview = useQuery(previewQuery(JSON.parse(when)));
  const problem = (pointer: string) => fieldError(preview.error, pointer) ?? fieldError(error, pointer);
  const zones = [...new Set([draft.timezone, shop.timezone, "UTC", ...Intl.supportedValuesOf("timeZone")])];
  return (
    <BlockStack gap="400">
      <ChoiceList
        title={t("schedules.form.when")}
        choices={[
          { value: "cron", label: t("schedules.form.by_cron") },
          { value: "interval", label: t("schedules.form.by_interval") },
        ]}
        selected={[draft.by]}
        onChange={([by]) => change({ by: by as Draft["by"] })}
      />
      {draft.by === "cron" ? (
        <BlockStack gap="200">
          <TextField
            label={t("schedules.form.cron")}
            helpText={t("schedules.form.cron_help")}
            value={draft.cron}
            monospaced
            maxLength={120}
            autoComplete="off"
            spellCheck={false}
            error={problem("/cron")}
            onChange={(cron) => change({ cron })}
          />
          <InlineStack gap="200">
            {EXAMPLES.map((cron) => (
              <Button key={cron} size="micro" onClick={() => change({ cron })}>
                {t.code("schedules.example", cron, {}, cron)}
              </Button>
            ))}
          </InlineStack>
        </BlockStack>
      ) : (
        <FormLayout>
          <FormLayout.Group condensed>
            <TextField
              label={t("schedules.form.every")}
              value={draft.every}
              inputMode="numeric"
              autoComplete="off"
              error={problem("/interval_s")}
              onChange={(every) => change({ every })}
            />
            <Select
              label={t("schedules.form.unit")}
              options={(["minutes", "hours", "days"] as const).map((value) => ({
                value,
                label: t(`schedules.form.unit.${value}`),
              }))}
              value={draft.unit}
              onChange={(unit) => change({ unit: unit as Unit })}
            />
          </FormLayout.Group>
        </FormLayout>
      )}
      <Select
        label={t("schedules.form.timezone")}
        helpText={t("schedules.form.timezone_help")}
        options={zones}
        value={draft.timezone}
        error={problem("/timezone")}
        onChange={(timezone) => change({ timezone })}
      />
    </BlockStack>
  );
}
