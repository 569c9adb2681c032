import { BlockStack, Checkbox, ChoiceList, FormLayout, Modal, Select, TextField } from "@shopify/polaris";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { useIsOperator } from "@/lib/useSession";
import { useToast } from "@/lib/useToast";
import { type AlertChannel, type AlertMetric, type AlertRule, useSaveRule } from "../api";
import { bodyOf, draftOf, type RuleDraft, suggestionOf, unreadable } from "../draft";

const POINTERS = [
  "/title",
  "/metric",
  "/scope",
  "/op",
  "/threshold",
  "/for_s",
  "/hold_off_s",
  "/channel_ids",
];

interface Props {
  rule: AlertRule | null;
  metrics: readonly AlertMetric[];
  channels: readonly AlertChannel[];
  onClose: () => void;
}

export function RuleModal({ rule, metrics, channels, onClose }: Props) {
  const { t } = useI18n();
  const toast = useToast();
  const isOperator = useIsOperator();
  const usable = metrics.filter(
    (metric) => metric.audience === "both" || (metric.audience === "operators") === isOperator,
  );
  const [draft, setDraft] = useState(() => draftOf(rule, usable));
  const [isChecked, setChecked] = useState(false);
  const save = useSaveRule(rule?.id ?? null);
  const metric = usable.find((one) => one.key === draft.metric);
  const wrong = isChecked ? unreadable(draft) : [];
  const change = (part: Partial<RuleDraft>) => setDraft((before) => ({ ...before, ...part }));
  const problem = (field: "threshold" | "for_s" | "hold_off_s") =>
    wrong.includes(field) ? t("alerts.form.not_a_number") : fieldError(save.error, `/${field}`);

  function submit() {
    setChecked(true);
    if (unreadable(draft).length > 0) return;
    save.mutate(bodyOf(draft, usable), {
      onSuccess: () => {
        toast(t("alerts.saved"));
        onClose();
      },
    });
  }

  return (
    <Modal
      open
      onClose={onClose}
      title={rule ? t("alerts.edit_title", { title: rule.title }) : t("alerts.new")}
      primaryAction={{ content: t("action.save"), loading: save.isPending, onAction: submit }}
      secondaryActions={[{ content: t("action.close"), onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          {hasOtherProblem(save.error, POINTERS) && (
            <ErrorState error={save.error} title={t("alerts.not_saved")} />
          )}
          <FormLayout>
            <TextField
              label={t("alerts.form.title")}
              value={draft.title}
              maxLength={120}
              autoComplete="off"
              error={fieldError(save.error, "/title")}
              onChange={(title) => change({ title })}
            />
            <Select
              label={t("alerts.form.metric")}
              options={usable.map((one) => ({ value: one.key, label: t.code("alert_metric", one.key) }))}
              value={draft.metric}
              error={fieldError(save.error, "/metric")}
              onChange={(value) =>
                change({
                  metric: value,
                  scope: {},
                  ...suggestionOf(usable.find((one) => one.key === value)),
                })
              }
            />
            {(metric?.scopes ?? []).map((name) => (
              <TextField
                key={name}
                label={t("alerts.form.only", { name: t.code("alert_scope", name) })}
                helpText={t("alerts.form.only_help")}
                value={draft.scope[name] ?? ""}
                autoComplete="off"
                error={fieldError(save.error, `/scope/${name}`)}
                onChange={(value) => change({ scope: { ...draft.scope, [name]: value } })}
              />
            ))}
            <FormLayout.Group condensed>
              <Select
                label={t("alerts.form.op")}
                options={(["above", "below"] as const).map((value) => ({
                  value,
                  label: t(`alerts.form.op.${value}`),
                }))}
                value={draft.op}
                onChange={(op) => change({ op: op as AlertRule["op"] })}
              />
              <TextField
                label={t("alerts.form.threshold")}
                value={draft.threshold}
                suffix={t.code("alerts.suffix", metric?.unit ?? "", {}, "")}
                inputMode="decimal"
                autoComplete="off"
                error={problem("threshold")}
                onChange={(threshold) => change({ threshold })}
              />
            </FormLayout.Group>
            <FormLayout.Group condensed>
              <TextField
                label={t("alerts.form.for")}
                helpText={t("alerts.form.for_help")}
                value={draft.for_min}
                suffix={t("alerts.suffix.min")}
                inputMode="decimal"
                autoComplete="off"
                error={problem("for_s")}
                onChange={(for_min) => change({ for_min })}
              />
              <TextField
                label={t("alerts.form.hold_off")}
                helpText={t("alerts.form.hold_off_help")}
                value={draft.hold_off_min}
                suffix={t("alerts.suffix.min")}
                inputMode="decimal"
                autoComplete="off"
                error={problem("hold_off_s")}
                onChange={(hold_off_min) => change({ hold_off_min })}
              />
            </FormLayout.Group>
            <ChoiceList
              allowMultiple
              title={t("alerts.form.channels")}
              choices={channels.map((channel) => ({
                value: String(channel.id),
                label: channel.title,
                helpText: `${t(`alerts.kind.${channel.kind}`)} · ${channel.target}`,
              }))}
              selected={draft.channel_ids.map(String)}
              error={fieldError(save.error, "/channel_ids") ?? ""}
              onChange={(chosen) =>
                change({
                  channel_ids: channels.map((one) => one.id).filter((id) => chosen.includes(String(id))),
                })
              }
            />
            <Checkbox
              label={t("alerts.form.enabled")}
              checked={draft.enabled}
              onChange={(enabled) => change({ enabled })}
            />
          </FormLayout>
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
