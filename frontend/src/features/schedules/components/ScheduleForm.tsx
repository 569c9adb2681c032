import {
  BlockStack,
  Card,
  ChoiceList,
  FormLayout,
  InlineGrid,
  Select,
  Text,
  TextField,
} from "@shopify/polaris";
import { useState } from "react";
import { flushSync } from "react-dom";
import { useNavigate } from "react-router";
import { ErrorState } from "@/components/ErrorState";
import { SaveBar } from "@/components/SaveBar";
import { SchemaForm } from "@/components/SchemaForm";
import { useI18n } from "@/i18n/useI18n";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { useSession } from "@/lib/useSession";
import { type OpenJob, type Schedule, useSaveSchedule } from "../api";
import { bodyOf, type Draft, draftOf } from "../draft";
import { PreviewCard } from "./PreviewCard";
import { WhenFields } from "./WhenFields";

const POINTERS = [
  "/title",
  "/job_name",
  "/args",
  "/cron",
  "/interval_s",
  "/timezone",
  "/overlap",
  "/catch_up",
];

interface Props {
  jobs: readonly OpenJob[];
  schedule: Schedule | null;
}

export function ScheduleForm({ jobs, schedule }: Props) {
  const { t } = useI18n();
  const navigate = useNavigate();
  const { shop } = useSession();
  const [initial, setInitial] = useState(() => draftOf(schedule, jobs, shop.timezone));
  const [draft, setDraft] = useState(initial);
  const save = useSaveSchedule(schedule?.id ?? null);
  const isDirty = JSON.stringify(draft) !== JSON.stringify(initial);
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const job = jobs.find((one) => one.name === draft.job_name);

  function submit() {
    save.mutate(bodyOf(draft), {
      onSuccess: () => {
        // Nothing is unsaved any more, and the guard must know it before the page is left.
        flushSync(() => setInitial(draft));
        void navigate("/tasks/schedules");
      },
    });
  }

  return (
    <BlockStack gap="400">
      <SaveBar
        dirty={isDirty}
        saving={save.isPending}
        onSave={submit}
        onDiscard={() => {
          setDraft(initial);
          save.reset();
        }}
      />
      {hasOtherProblem(save.error, POINTERS) && (
        <ErrorState error={save.error} title={t("schedules.not_saved")} />
      )}
      <InlineGrid columns={{ xs: 1, md: ["twoThirds", "oneThird"] }} gap="400" alignItems="start">
        <BlockStack gap="400">
          <Card>
            <FormLayout>
              <TextField
                label={t("schedules.form.title")}
                helpText={t("schedules.form.title_help")}
                value={draft.title}
                maxLength={120}
                autoComplete="off"
                error={fieldError(save.error, "/title")}
                onChange={(title) => change({ title })}
              />
              <Select
                label={t("schedules.form.job")}
                options={jobs.map((one) => ({ value: one.name, label: t.code("jobs", one.name) }))}
                value={draft.job_name}
                disabled={schedule !== null}
                error={fieldError(save.error, "/job_name")}
                onChange={(job_name) => change({ job_name, args: {} })}
              />
              {job && (
                <BlockStack gap="200">
                  <Text as="h3" variant="headingSm">
                    {t("schedules.form.args")}
                  </Text>
                  <SchemaForm
                    schema={job.args_schema}
                    values={draft.args}
                    onChange={(args) => change({ args })}
                    error={save.error}
                    pointer="/args"
                  />
                </BlockStack>
              )}
            </FormLayout>
          </Card>
          <Card>
            <WhenFields draft={draft} change={change} error={save.error} />
          </Card>
          <Card>
            <BlockStack gap="400">
              <ChoiceList
                title={t("schedules.form.overlap")}
                choices={(["skip", "queue"] as const).map((value) => ({
                  value,
                  label: t(`schedules.form.overlap.${value}`),
                }))}
                selected={[draft.overlap]}
                onChange={([value]) => change({ overlap: value as Draft["overlap"] })}
              />
              <ChoiceList
                title={t("schedules.form.catch_up")}
                choices={(["last", "none", "all"] as const).map((value) => ({
                  value,
                  label: t(`schedules.form.catch_up.${value}`),
                }))}
                selected={[draft.catch_up]}
                onChange={([value]) => change({ catch_up: value as Draft["catch_up"] })}
              />
            </BlockStack>
          </Card>
        </BlockStack>
        <PreviewCard draft={draft} />
      </InlineGrid>
    </BlockStack>
  );
}
