import {
  Banner,
  BlockStack,
  Button,
  FormLayout,
  InlineStack,
  Modal,
  Text,
  TextField,
} from "@shopify/polaris";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import type { BulkAnswer } from "@/lib/api/jobTypes";
import { fieldError } from "@/lib/fieldErrors";
import { useDebounced } from "@/lib/useDebounced";
import { jobsKey } from "../api";
import { deadLettersKey, type MassInput } from "../deadLettersApi";
import type { BulkAction } from "../states";

const MOST = 10_000;
const FASTEST = 60_000;
const FIRST_CAP = "1000";
const TYPING_MS = 300;

interface Props {
  action: BulkAction;
  title: string;
  /** What it is about to touch, in words. */
  about: ReactNode;
  /** Tells one preview from another: the filter or the group. */
  subject: string;
  /** Whether what is started can be slowed down; what is only marked needs no pace. */
  withRate?: boolean;
  run: (input: MassInput) => Promise<BulkAnswer>;
  onClose: () => void;
}

/** A whole number from 1 up to `most`, or null. */
function wholeNumber(text: string, most: number): number | null {
  const value = Number(text);
  return /^\d+$/.test(text.trim()) && value >= 1 && value <= most ? value : null;
}

/** An action on many runs at once: how many it would touch, at most how many, how fast, and why. */
export function MassModal({ action, title, about, subject, withRate = true, run, onClose }: Props) {
  const { t } = useI18n();
  const client = useQueryClient();
  const [capText, setCapText] = useState(FIRST_CAP);
  const [rateText, setRateText] = useState("");
  const [reason, setReason] = useState("");
  const cap = wholeNumber(capText, MOST);
  const rate = rateText.trim() === "" ? null : wholeNumber(rateText, FASTEST);
  const rateIsWrong = rateText.trim() !== "" && rate === null;
  const asked = useDebounced(cap, TYPING_MS);
  const preview = useQuery({
    queryKey: ["mass-preview", action, subject, asked],
    queryFn: () => run({ cap: asked ?? MOST, rate_per_min: null, reason: t("mass.preview"), dry_run: true }),
    enabled: asked !== null,
    staleTime: 0,
  });
  const act = useMutation({
    mutationFn: run,
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: jobsKey }),
        client.invalidateQueries({ queryKey: deadLettersKey }),
      ]),
  });
  const acting = preview.data?.acting ?? 0;
  const ready = cap !== null && !rateIsWrong && reason.trim() !== "" && asked === cap && acting > 0;

  if (act.data) return <Started answer={act.data} action={action} title={title} onClose={onClose} />;
  return (
    <Modal
      open
      onClose={onClose}
      title={title}
      primaryAction={{
        content: preview.data ? t(`mass.${action}`, { count: acting }) : t(`bulk.${action}`),
        destructive: action !== "retry",
        disabled: !ready,
        loading: act.isPending,
        onAction: () =>
          act.mutate({ cap: cap ?? 0, rate_per_min: rate, reason: reason.trim(), dry_run: false }),
      }}
      secondaryActions={[{ content: t("action.cancel"), onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          {about}
          <div aria-live="polite" style={{ minHeight: 40 }}>
            {preview.error ? (
              <ErrorState error={preview.error} retry={() => void preview.refetch()} />
            ) : (
              <Text as="p" variant="headingSm">
                {preview.data ? previewWords(preview.data) : t("mass.counting")}
              </Text>
            )}
          </div>
          <FormLayout>
            <FormLayout.Group>
              <TextField
                label={t("mass.cap")}
                helpText={t("mass.cap_help", { most: MOST })}
                value={capText}
                onChange={setCapText}
                inputMode="numeric"
                autoComplete="off"
                {...(cap === null ? { error: t("mass.cap_wrong", { most: MOST }) } : {})}
              />
              {withRate && (
                <TextField
                  label={t("mass.rate")}
                  helpText={t("mass.rate_help")}
                  value={rateText}
                  onChange={setRateText}
                  inputMode="numeric"
                  autoComplete="off"
                  {...(rateIsWrong ? { error: t("mass.rate_wrong") } : {})}
                />
              )}
            </FormLayout.Group>
            <TextField
              label={t("mass.reason")}
              helpText={t("mass.reason_help")}
              value={reason}
              onChange={setReason}
              maxLength={500}
              autoComplete="off"
              requiredIndicator
              error={fieldError(act.error, "/reason")}
            />
          </FormLayout>
          {act.error && <ErrorState error={act.error} title={t("mass.refused")} />}
        </BlockStack>
      </Modal.Section>
    </Modal>
  );

  function previewWords({ matched, capped, acting: count }: BulkAnswer): string {
    if (matched === 0) return t("mass.none");
    const found = capped ? t("mass.matched_capped", { matched }) : t("mass.matched", { count: matched });
    return count < matched ? `${found} ${t("mass.acting", { count })}` : found;
  }
}

function Started({
  answer,
  action,
  title,
  onClose,
}: {
  answer: BulkAnswer;
  action: BulkAction;
  title: string;
  onClose: () => void;
}) {
  const { t } = useI18n();
  return (
    <Modal
      open
      onClose={onClose}
      title={title}
      primaryAction={{ content: t("action.close"), onAction: onClose }}
    >
      <Modal.Section>
        <Banner tone="success" title={t(`mass.started.${action}`, { count: answer.acting })}>
          <InlineStack gap="300">
            <Text as="p">{t("mass.started_body")}</Text>
            {answer.job_id && <Button url={`/tasks/${answer.job_id}`}>{t("mass.watch")}</Button>}
          </InlineStack>
        </Banner>
      </Modal.Section>
    </Modal>
  );
}
