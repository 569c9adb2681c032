import { Banner, BlockStack, Checkbox, FormLayout, Modal, TextField } from "@shopify/polaris";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { toMinor } from "@/lib/minor";
import { useToast } from "@/lib/useToast";
import { type CustomerDetail, useGiveCredit } from "../api";

const POINTERS = ["/amount_minor", "/reason"];

/** Asks how much and why, then names both before anything is given: money that is given does not come back. */
export function CreditModal({ customer, onClose }: { customer: CustomerDetail; onClose: () => void }) {
  const { t, f } = useI18n();
  const toast = useToast();
  const give = useGiveCredit(customer.id);
  const [once] = useState(() => crypto.randomUUID());
  const [amount, setAmount] = useState("");
  const [reason, setReason] = useState("");
  const [notify, setNotify] = useState(false);
  const [isChecked, setChecked] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const { currency } = f;
  const minor = toMinor(amount, currency);
  const sum = minor === null ? "" : f.money({ amount_minor: minor, currency });
  const name = customer.name;

  function next() {
    setChecked(true);
    if (minor === null || reason.trim() === "") return;
    if (!isAsking) {
      setAsking(true);
      return;
    }
    give.mutate(
      { once, amount_minor: minor, reason: reason.trim(), notify },
      {
        onSuccess: () => {
          toast(t("credit.requested", { amount: sum }));
          onClose();
        },
        onError: () => setAsking(false),
      },
    );
  }

  return (
    <Modal
      open
      onClose={onClose}
      title={t("credit.give")}
      size="small"
      primaryAction={{
        content: isAsking ? t("credit.confirm", { amount: sum }) : t("credit.next"),
        loading: give.isPending,
        onAction: next,
      }}
      secondaryActions={[
        isAsking
          ? { content: t("credit.back"), onAction: () => setAsking(false) }
          : { content: t("action.close"), onAction: onClose },
      ]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          {hasOtherProblem(give.error, POINTERS) && (
            <ErrorState error={give.error} title={t("credit.not_given")} />
          )}
          {isAsking ? (
            <Banner tone="warning" title={t("credit.sure", { amount: sum, name })}>
              <p>{t(notify ? "credit.sure_notified" : "credit.sure_body")}</p>
            </Banner>
          ) : (
            <FormLayout>
              <TextField
                label={t("credit.amount")}
                suffix={currency}
                inputMode="decimal"
                value={amount}
                autoComplete="off"
                error={
                  isChecked && minor === null
                    ? t("credit.amount_wrong")
                    : fieldError(give.error, "/amount_minor")
                }
                onChange={setAmount}
              />
              <TextField
                label={t("credit.reason")}
                helpText={t("credit.reason_help")}
                value={reason}
                maxLength={200}
                autoComplete="off"
                error={
                  isChecked && reason.trim() === ""
                    ? t("credit.reason_missing")
                    : fieldError(give.error, "/reason")
                }
                onChange={setReason}
              />
              <Checkbox label={t("credit.notify")} checked={notify} onChange={setNotify} />
            </FormLayout>
          )}
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
