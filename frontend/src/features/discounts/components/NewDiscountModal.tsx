import { BlockStack, Checkbox, FormLayout, Modal, Select, TextField } from "@shopify/polaris";
import { useState } from "react";
import { useNavigate } from "react-router";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { useToast } from "@/lib/useToast";
import { useCreateDiscount } from "../api";
import { type Draft, EMPTY, type Field, MAX_CODES, mistakes, toDiscount } from "../draft";

const POINTERS = ["/title", "/percent", "/amount_minor", "/codes", "/prefix", "/ends_at"];

/** Asks for one discount and how many codes hang on it. */
export function NewDiscountModal({ onClose }: { onClose: () => void }) {
  const { t, f } = useI18n();
  const toast = useToast();
  const navigate = useNavigate();
  const create = useCreateDiscount();
  const [once] = useState(() => crypto.randomUUID());
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const [isChecked, setChecked] = useState(false);
  const wrong = mistakes(draft, f);

  function change<Name extends keyof Draft>(name: Name, value: Draft[Name]) {
    setDraft((before) => ({ ...before, [name]: value }));
  }
  const errorOf = (field: Field, pointer: string) => {
    const mistake = isChecked ? wrong[field] : undefined;
    return mistake ? t(mistake) : fieldError(create.error, pointer);
  };

  function submit() {
    setChecked(true);
    if (Object.keys(wrong).length > 0) return;
    create.mutate(
      { once, ...toDiscount(draft, f) },
      {
        onSuccess: ({ id }) => {
          toast(t("discounts.asked"));
          void navigate(`/campaigns/discounts/${id}`);
        },
      },
    );
  }

  return (
    <Modal
      open
      onClose={onClose}
      title={t("discounts.create")}
      primaryAction={{ content: t("discounts.create"), loading: create.isPending, onAction: submit }}
      secondaryActions={[{ content: t("action.close"), onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          {hasOtherProblem(create.error, POINTERS) && (
            <ErrorState error={create.error} title={t("discounts.not_made")} />
          )}
          <FormLayout>
            <TextField
              label={t("discounts.name")}
              helpText={t("discounts.name_help")}
              value={draft.title}
              maxLength={120}
              autoComplete="off"
              error={errorOf("title", "/title")}
              onChange={(value) => change("title", value)}
            />
            <FormLayout.Group>
              <Select
                label={t("discounts.kind")}
                options={(["percent", "amount"] as const).map((value) => ({
                  value,
                  label: t(`discounts.kind.${value}`),
                }))}
                value={draft.kind}
                onChange={(value) => change("kind", value as Draft["kind"])}
              />
              <TextField
                label={t("discounts.value")}
                suffix={draft.kind === "percent" ? "%" : f.currency}
                inputMode="decimal"
                value={draft.value}
                autoComplete="off"
                error={errorOf("value", draft.kind === "percent" ? "/percent" : "/amount_minor")}
                onChange={(value) => change("value", value)}
              />
            </FormLayout.Group>
            <FormLayout.Group>
              <TextField
                label={t("discounts.codes")}
                helpText={t("discounts.codes_help")}
                type="number"
                min={1}
                max={MAX_CODES}
                value={draft.codes}
                autoComplete="off"
                error={errorOf("codes", "/codes")}
                onChange={(value) => change("codes", value)}
              />
              <TextField
                label={t("discounts.prefix")}
                helpText={t("discounts.prefix_help")}
                value={draft.prefix}
                maxLength={20}
                autoComplete="off"
                error={errorOf("prefix", "/prefix")}
                onChange={(value) => change("prefix", value.toUpperCase())}
              />
            </FormLayout.Group>
            <TextField
              label={t("discounts.ends")}
              helpText={t("discounts.ends_help")}
              type="date"
              value={draft.ends}
              autoComplete="off"
              error={errorOf("ends", "/ends_at")}
              onChange={(value) => change("ends", value)}
            />
            <Checkbox
              label={t("discounts.once")}
              checked={draft.oncePerCustomer}
              onChange={(value) => change("oncePerCustomer", value)}
            />
          </FormLayout>
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
