import { ContextualSaveBar, Modal, Text } from "@shopify/polaris";
import { useEffect, useId } from "react";
import { useBlocker } from "react-router";
import { useI18n } from "@/i18n/useI18n";
import { confirmLeavingInAdmin, isEmbedded, setAdminSaveBar } from "@/lib/appBridge";

interface Props {
  dirty: boolean;
  saving: boolean;
  onSave: () => void;
  onDiscard: () => void;
}

function useLeaveGuard(dirty: boolean, embedded: boolean) {
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => dirty && currentLocation.pathname !== nextLocation.pathname,
  );
  useEffect(() => {
    if (!dirty) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [dirty]);
  useEffect(() => {
    if (!embedded || blocker.state !== "blocked") return;
    confirmLeavingInAdmin().then(blocker.proceed, blocker.reset);
  }, [embedded, blocker]);
  return blocker;
}

/** Guards unsaved work: the admin's own bar inside the iframe, Polaris' outside. Nobody leaves by accident. */
export function SaveBar({ dirty, saving, onSave, onDiscard }: Props) {
  const { t } = useI18n();
  const id = `save-bar-${useId().replaceAll(":", "")}`;
  const embedded = isEmbedded();
  const blocker = useLeaveGuard(dirty, embedded);

  useEffect(() => {
    if (!embedded) return;
    setAdminSaveBar(id, dirty);
    return () => setAdminSaveBar(id, false);
  }, [embedded, id, dirty]);

  if (embedded) {
    return (
      <ui-save-bar id={id}>
        {/* App Bridge reads these and draws its own. */}
        <button type="button" variant="primary" onClick={onSave} {...(saving ? { loading: "" } : {})}>
          {t("action.save")}
        </button>
        <button type="button" onClick={onDiscard}>
          {t("action.discard")}
        </button>
      </ui-save-bar>
    );
  }
  return (
    <>
      {dirty && (
        <ContextualSaveBar
          message={t("save.unsaved")}
          saveAction={{ content: t("action.save"), onAction: onSave, loading: saving }}
          discardAction={{ content: t("action.discard"), onAction: onDiscard, disabled: saving }}
        />
      )}
      <Modal
        open={blocker.state === "blocked"}
        onClose={() => blocker.reset?.()}
        title={t("save.leave_title")}
        size="small"
        primaryAction={{ content: t("save.stay"), onAction: () => blocker.reset?.() }}
        secondaryActions={[
          { content: t("save.leave"), destructive: true, onAction: () => blocker.proceed?.() },
        ]}
      >
        <Modal.Section>
          <Text as="p">{t("save.leave_body")}</Text>
        </Modal.Section>
      </Modal>
    </>
  );
}
