import { BlockStack, Modal, Text, TextField } from "@shopify/polaris";
import { useState } from "react";
import { CodeEditor, type CodeProblem } from "@/components/CodeEditor";
import { ErrorState } from "@/components/ErrorState";
import type { Translate } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import { asApiError } from "@/lib/api/errors";
import type { JobDetail } from "@/lib/api/jobTypes";
import { useRetryRun } from "../api";
import { checkSchema, type Schema } from "../jsonSchema";
import { JsonSyntaxProblem, lineAndColumn, type ParsedJson, parseJson, placeOf } from "../jsonSource";

interface Read {
  parsed: ParsedJson | null;
  problems: CodeProblem[];
}

/** The text as arguments, with everything that is wrong with it at its place. */
function read(text: string, schema: Schema | null, t: Translate): Read {
  try {
    const parsed = parseJson(text);
    const problems = checkSchema(parsed.value, { type: "object", ...schema }).map(
      ({ pointer, message, values }) => ({
        ...lineAndColumn(text, placeOf(parsed.places, pointer)),
        message: t(`task.edit.${message}`, values),
      }),
    );
    return { parsed, problems };
  } catch (error) {
    if (!(error instanceof JsonSyntaxProblem)) throw error;
    const place = lineAndColumn(text, error.offset);
    return { parsed: null, problems: [{ ...place, message: t("task.edit.syntax") }] };
  }
}

const OF_ARGS = /^\/args(?=\/|$)/;

interface Props {
  run: JobDetail;
  onClose: () => void;
  onRetried: (run: JobDetail) => void;
}

/** The run again, with other arguments. */
export function EditRetryModal({ run, onClose, onRetried }: Props) {
  const { t } = useI18n();
  const [text, setText] = useState(() => JSON.stringify(run.args, null, 2));
  const [sent, setSent] = useState<string | null>(null);
  const [reason, setReason] = useState("");
  const retry = useRetryRun();
  const { parsed, problems } = read(text, run.args_schema as Schema | null, t);
  const refusal = retry.error ? asApiError(retry.error) : null;
  // Its places are those of the text that was sent.
  const refused =
    refusal && parsed && sent === text
      ? refusal.fields
          .filter((field) => OF_ARGS.test(field.pointer))
          .map((field) => ({
            ...lineAndColumn(text, placeOf(parsed.places, field.pointer.replace(OF_ARGS, ""))),
            message: field.message,
          }))
      : [];
  const shown = problems.length > 0 ? problems : refused;
  const reasonProblem = refusal?.fields.find((field) => field.pointer === "/reason")?.message;
  const isPlaced = refused.length > 0 || reasonProblem !== undefined || sent !== text;

  function submit() {
    if (!parsed || problems.length > 0) return;
    setSent(text);
    retry.mutate(
      { id: run.id, args: parsed.value as Record<string, unknown>, reason: reason.trim() },
      { onSuccess: onRetried },
    );
  }

  return (
    <Modal
      open
      size="large"
      onClose={onClose}
      title={t("task.edit.title")}
      primaryAction={{
        content: t("task.edit.run"),
        disabled: problems.length > 0 || reason.trim() === "",
        loading: retry.isPending,
        onAction: submit,
      }}
      secondaryActions={[{ content: t("action.cancel"), onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          <Text as="p">{t("task.edit.body")}</Text>
          <CodeEditor
            label={t("task.args")}
            value={text}
            onChange={setText}
            problems={shown}
            placeOf={({ line, column }) => t("task.edit.place", { line, column })}
          />
          <TextField
            label={t("mass.reason")}
            helpText={t("mass.reason_help")}
            value={reason}
            onChange={setReason}
            maxLength={500}
            autoComplete="off"
            requiredIndicator
            error={reasonProblem}
          />
          {retry.error && !isPlaced && <ErrorState error={retry.error} title={t("task.action_failed")} />}
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
