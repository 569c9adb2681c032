import { BlockStack, FormLayout, Modal, Select, Text, TextField } from "@shopify/polaris";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { useToast } from "@/lib/useToast";
import { type LimitBody, type LimitRow, usePutLimit } from "../api";

interface Props {
  kind: LimitRow["kind"];
  /** Absent: a new limit, whose key is asked for. */
  limitKey?: string;
  title: string;
  limit: LimitBody | null;
  onClose: () => void;
}

const POINTERS = ["/in_flight", "/shop_in_flight", "/rate", "/rate_period_s", "/weight", "/key"];
const text = (value: number | null | undefined) => (value == null ? "" : String(value));
const isWhole = (value: string) => value.trim() === "" || /^\d+$/.test(value.trim());
const whole = (value: string) => (value.trim() === "" ? null : Number(value));

export function LimitModal({ kind: given, limitKey, title, limit, onClose }: Props) {
  const { t } = useI18n();
  const toast = useToast();
  const put = usePutLimit();
  const [kind, setKind] = useState(given);
  const [key, setKey] = useState(limitKey ?? "");
  const [fields, setFields] = useState({
    in_flight: text(limit?.in_flight),
    shop_in_flight: text(limit?.shop_in_flight),
    rate: text(limit?.rate),
    rate_period_s: text(limit?.rate_period_s ?? 60),
    weight: text(limit?.weight ?? 1),
  });
  const [isChecked, setChecked] = useState(false);
  const isMissingKey = isChecked && key.trim() === "";

  function save() {
    setChecked(true);
    if (key.trim() === "" || !Object.values(fields).every(isWhole)) return;
    put.mutate(
      {
        kind,
        key: key.trim(),
        limit: {
          in_flight: whole(fields.in_flight),
          shop_in_flight: kind === "shop" ? null : whole(fields.shop_in_flight),
          rate: whole(fields.rate),
          rate_period_s: whole(fields.rate_period_s) ?? 60,
          weight: kind === "shop" ? (whole(fields.weight) ?? 1) : 1,
        },
      },
      {
        onSuccess: () => {
          toast(t("limits.saved"));
          onClose();
        },
      },
    );
  }

  const field = (name: keyof typeof fields, help?: string) => (
    <TextField
      label={t(`limits.${name}`)}
      {...(help ? { helpText: help } : {})}
      value={fields[name]}
      inputMode="numeric"
      autoComplete="off"
      placeholder={name === "rate_period_s" || name === "weight" ? undefined : t("limits.no_limit")}
      error={isChecked && !isWhole(fields[name]) ? t("limits.not_whole") : fieldError(put.error, `/${name}`)}
      onChange={(value) => setFields({ ...fields, [name]: value })}
    />
  );

  return (
    <Modal
      open
      onClose={onClose}
      title={title}
      size="small"
      primaryAction={{ content: t("action.save"), loading: put.isPending, onAction: save }}
      secondaryActions={[{ content: t("action.close"), onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          {hasOtherProblem(put.error, POINTERS) && <ErrorState error={put.error} title={t("act.refused")} />}
          <Text as="p" tone="subdued">
            {t("limits.help")}
          </Text>
          <FormLayout>
            {limitKey === undefined && (
              <FormLayout.Group condensed>
                <Select
                  label={t("limits.kind")}
                  options={[
                    { label: t("limits.kind.job"), value: "job" },
                    { label: t("limits.kind.shop"), value: "shop" },
                  ]}
                  value={kind}
                  onChange={(value) => setKind(value as LimitRow["kind"])}
                />
                <TextField
                  label={kind === "shop" ? t("limits.key.shop") : t("limits.key.job")}
                  value={key}
                  autoComplete="off"
                  error={isMissingKey ? t("limits.key_missing") : fieldError(put.error, "/key")}
                  onChange={setKey}
                />
              </FormLayout.Group>
            )}
            {field("in_flight")}
            {kind !== "shop" && field("shop_in_flight")}
            <FormLayout.Group condensed>
              {field("rate")}
              {field("rate_period_s")}
            </FormLayout.Group>
            {kind === "shop" && field("weight", t("limits.weight_help"))}
          </FormLayout>
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
