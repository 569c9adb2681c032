import { BlockStack, List, Modal, Text, TextField } from "@shopify/polaris";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import { asApiError } from "@/lib/api/errors";
import type { JobRun } from "@/lib/api/jobTypes";
import { cancelRun, discardRun, jobsKey, retryRun } from "../api";
import type { BulkAction } from "../states";
import { jobTitle } from "../words";

/** So many calls are under way at once: a page of runs is done soon, and nobody else has to wait for it. */
const TOGETHER = 4;

interface Refused {
  run: JobRun;
  message: string;
}

interface Outcome {
  done: number;
  refused: Refused[];
}

async function actOnEach(runs: readonly JobRun[], act: (run: JobRun) => Promise<unknown>): Promise<Outcome> {
  const outcome: Outcome = { done: 0, refused: [] };
  const waiting = [...runs];
  async function next(): Promise<void> {
    for (let run = waiting.shift(); run; run = waiting.shift()) {
      try {
        await act(run);
        outcome.done += 1;
      } catch (error) {
        outcome.refused.push({ run, message: asApiError(error).message });
      }
    }
  }
  await Promise.all(Array.from({ length: TOGETHER }, next));
  return outcome;
}

interface Props {
  action: BulkAction;
  runs: readonly JobRun[];
  onClose: () => void;
  onDone: () => void;
}

/** An action on the runs that were chosen one by one, and what became of each. */
export function SelectionModal({ action, runs, onClose, onDone }: Props) {
  const { t } = useI18n();
  const client = useQueryClient();
  const [reason, setReason] = useState("");
  const why = reason.trim();
  const act = useMutation({
    mutationFn: () =>
      actOnEach(runs, ({ id }) => {
        if (action === "cancel") return cancelRun(id);
        return action === "retry" ? retryRun({ id, reason: why }) : discardRun({ id, reason: why });
      }),
    onSuccess: async ({ refused }) => {
      await client.invalidateQueries({ queryKey: jobsKey });
      if (refused.length === 0) onDone();
    },
  });
  const count = runs.length;

  if (act.data) {
    return (
      <Modal
        open
        onClose={onDone}
        title={t(`mass.started.${action}`, { count: act.data.done })}
        primaryAction={{ content: t("action.close"), onAction: onDone }}
      >
        <Modal.Section>
          <BlockStack gap="300">
            <Text as="p" tone="critical">
              {t("selection.refused", { count: act.data.refused.length })}
            </Text>
            <List>
              {act.data.refused.map(({ run, message }) => (
                <List.Item key={run.id}>
                  {jobTitle(t, run)} <code>{run.id}</code>: {message}
                </List.Item>
              ))}
            </List>
          </BlockStack>
        </Modal.Section>
      </Modal>
    );
  }
  return (
    <Modal
      open
      onClose={onClose}
      title={t(`selection.title.${action}`, { count })}
      primaryAction={{
        content: t(`mass.${action}`, { count }),
        destructive: action !== "retry",
        disabled: action !== "cancel" && why === "",
        loading: act.isPending,
        onAction: () => act.mutate(),
      }}
      secondaryActions={[{ content: t("action.cancel"), onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          <Text as="p">{t(`selection.body.${action}`)}</Text>
          {action !== "cancel" && (
            <TextField
              label={t("mass.reason")}
              helpText={t("mass.reason_help")}
              value={reason}
              onChange={setReason}
              maxLength={500}
              autoComplete="off"
              requiredIndicator
            />
          )}
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
