import { Banner, BlockStack, FormLayout, Modal, TextField } from "@shopify/polaris";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { useToast } from "@/lib/useToast";
import { type NewPrivacyRequest, useAskForPrivacy } from "../api";

const POINTERS = ["/email", "/customer_id", "/phone"];

/** Asks for the export or the erasure of one customer; an erasure is confirmed by typing whom it is about. */
export function AskModal({ kind, onClose }: { kind: NewPrivacyRequest["kind"]; onClose: () => void }) {
  const { t } = useI18n();
  const toast = useToast();
  const ask = useAskForPrivacy();
  const [email, setEmail] = useState("");
  const [customerId, setCustomerId] = useState("");
  const [wrongId, setWrongId] = useState(false);

  function submit() {
    const id = customerId.trim().split("/").pop() ?? "";
    if (id !== "" && !/^\d{1,18}$/.test(id)) {
      setWrongId(true);
      return;
    }
    ask.mutate(
      { kind, email: email.trim() || null, customer_id: id ? Number(id) : null },
      {
        onSuccess: () => {
          toast(t(`privacy.asked.${kind}`));
          onClose();
        },
      },
    );
  }

  return (
    <Modal
      open
      onClose={onClose}
      title={t(`privacy.ask.${kind}`)}
      size="small"
      primaryAction={{
        content: t(`privacy.do.${kind}`),
        destructive: kind === "customer_redact",
        loading: ask.isPending,
        onAction: submit,
      }}
      secondaryActions={[{ content: t("action.close"), onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          {hasOtherProblem(ask.error, POINTERS) && (
            <ErrorState error={ask.error} title={t("privacy.not_asked")} />
          )}
          <Banner tone={kind === "customer_redact" ? "warning" : "info"}>
            {t(`privacy.consequence.${kind}`)}
          </Banner>
          <FormLayout>
            <TextField
              label={t("privacy.email")}
              type="email"
              value={email}
              autoComplete="off"
              error={fieldError(ask.error, "/email")}
              onChange={setEmail}
            />
            <TextField
              label={t("privacy.customer_id")}
              helpText={t("privacy.customer_id_help")}
              value={customerId}
              autoComplete="off"
              error={wrongId ? t("privacy.customer_id_wrong") : fieldError(ask.error, "/customer_id")}
              onChange={(value) => {
                setCustomerId(value);
                setWrongId(false);
              }}
            />
          </FormLayout>
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
