import { Modal, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";

interface Props {
  title: string;
  body: string;
  action: string;
  busy: boolean;
  confirm: () => void;
  close: () => void;
}

/** For what cannot be undone; the title names it. */
export function ConfirmModal({ title, body, action, busy, confirm, close }: Props) {
  const { t } = useI18n();
  return (
    <Modal
      open
      onClose={close}
      title={title}
      size="small"
      primaryAction={{ content: action, destructive: true, loading: busy, onAction: confirm }}
      secondaryActions={[{ content: t("action.cancel"), onAction: close }]}
    >
      <Modal.Section>
        <Text as="p">{body}</Text>
      </Modal.Section>
    </Modal>
  );
}
