import { BlockStack, Modal, Text, TextField } from "@shopify/polaris";
import { type ReactNode, useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { ErrorState } from "./ErrorState";

interface Props {
  title: string;
  /** What happens, naming what it happens to. */
  consequence: ReactNode;
  action: string;
  destructive?: boolean;
  /** Whether the reason is asked for, and whether it may be left out. */
  reason?: "required" | "optional";
  error: unknown;
  /** The fields of `children`, which show what is wrong with them by themselves. */
  pointers?: readonly string[];
  isPending: boolean;
  onAct: (reason: string) => void;
  onClose: () => void;
  children?: ReactNode;
}

/** Confirms what cannot be undone at once, with the reason that the audit log keeps. */
export function ActModal({
  title,
  consequence,
  action,
  destructive = false,
  reason,
  error,
  pointers = [],
  isPending,
  onAct,
  onClose,
  children,
}: Props) {
  const { t } = useI18n();
  const [text, setText] = useState("");
  const [isMissing, setMissing] = useState(false);
  const reasonError = isMissing ? t("act.reason_missing") : fieldError(error, "/reason");

  function act() {
    if (reason === "required" && text.trim() === "") setMissing(true);
    else onAct(text.trim());
  }

  return (
    <Modal
      open
      onClose={onClose}
      title={title}
      size="small"
      primaryAction={{ content: action, destructive, loading: isPending, onAction: act }}
      secondaryActions={[{ content: t("action.close"), onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          {hasOtherProblem(error, reason ? ["/reason", ...pointers] : pointers) && (
            <ErrorState error={error} title={t("act.refused")} />
          )}
          <Text as="p">{consequence}</Text>
          {children}
          {reason && (
            <TextField
              label={reason === "required" ? t("act.reason") : t("act.reason_optional")}
              helpText={t("act.reason_help")}
              value={text}
              maxLength={500}
              autoComplete="off"
              error={reasonError}
              onChange={(value) => {
                setText(value);
                setMissing(false);
              }}
            />
          )}
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
