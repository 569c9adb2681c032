import { Select, TextField } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import { type Happening, readHappening, writeHappening } from "@/lib/happenings";
import type { ChoiceKind } from "@/lib/rules";
import { ChoicePicker } from "./ChoicePicker";
import styles from "./segments.module.css";

interface Props {
  values: readonly string[];
  subjects: readonly string[];
  label: string;
  error: string | undefined;
  onChange: (values: string[]) => void;
}

/** How often something happened, in which time, and with what. */
export function HappeningValue({ values, subjects, label, error, onChange }: Props) {
  const { t } = useI18n();
  const happening = readHappening(values);
  const change = (part: Partial<Happening>) => onChange(writeHappening({ ...happening, ...part }));
  const unfinished = happening.subject !== "" && happening.subjectId === "";
  return (
    <div className={styles.happening}>
      <TextField
        label={`${label}: ${t("rules.times_label")}`}
        labelHidden
        type="number"
        min={1}
        max={20}
        autoComplete="off"
        prefix={t("rules.at_least")}
        suffix={t("rules.times_unit", { count: Number(happening.times) })}
        value={happening.times}
        error={unfinished ? undefined : error}
        onChange={(times) => change({ times })}
      />
      <TextField
        label={`${label}: ${t("rules.days_label")}`}
        labelHidden
        type="number"
        min={1}
        autoComplete="off"
        prefix={t("rules.in_last")}
        suffix={t("rules.days_unit", { count: Number(happening.days) })}
        placeholder={t("rules.ever")}
        value={happening.days}
        onChange={(days) => change({ days })}
      />
      {subjects.length > 0 && (
        <Select
          label={`${label}: ${t("rules.subject_label")}`}
          labelHidden
          options={[
            { value: "", label: t.code("about_any", subjects[0] ?? "product") },
            ...subjects.map((subject) => ({ value: subject, label: t.code("about", subject) })),
          ]}
          value={happening.subject}
          onChange={(subject) => change({ subject, subjectId: "" })}
        />
      )}
      {happening.subject !== "" && (
        <ChoicePicker
          key={happening.subject}
          label={t.code("choose", happening.subject)}
          kind={happening.subject as ChoiceKind}
          value={happening.subjectId}
          error={unfinished ? error : undefined}
          onChange={(subjectId) => change({ subjectId })}
        />
      )}
    </div>
  );
}
