import { BlockStack, DropZone, Modal, Text } from "@shopify/polaris";
import { useState } from "react";
import { useNavigate } from "react-router";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { asApiError } from "@/lib/api/errors";
import { useUploadContacts } from "../importsApi";

/** Takes a CSV file; what its columns mean is asked on the import's own page. */
export function UploadContactsModal({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const navigate = useNavigate();
  const upload = useUploadContacts();
  const [file, setFile] = useState<File | null>(null);
  const [asked, setAsked] = useState(false);
  const [once, setOnce] = useState(() => crypto.randomUUID());
  const unusable = asApiError(upload.error).fields.find((fault) => fault.pointer === "/file")?.message;
  const missing = asked && file === null ? t("lists.file_missing") : undefined;

  function send() {
    setAsked(true);
    if (file === null) return;
    upload.mutate({ file, once }, { onSuccess: (made) => void navigate(`/customers/imports/${made.id}`) });
  }

  return (
    <Modal
      open
      onClose={onClose}
      title={t("imports.upload")}
      primaryAction={{ content: t("imports.next"), loading: upload.isPending, onAction: send }}
      secondaryActions={[{ content: t("action.close"), onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          {upload.error && !unusable && (
            <ErrorState error={upload.error} title={t("imports.upload_failed")} />
          )}
          <Text as="p" tone="subdued">
            {t("imports.form")}
          </Text>
          <DropZone
            label={t("lists.file")}
            accept=".csv,text/csv,text/plain"
            allowMultiple={false}
            onDrop={(dropped) => {
              setFile(dropped[0] ?? null);
              setOnce(crypto.randomUUID());
              upload.reset();
            }}
          >
            {file === null ? (
              <DropZone.FileUpload actionTitle={t("lists.choose_file")} actionHint={t("imports.limits")} />
            ) : (
              <DropZone.FileUpload actionTitle={file.name} />
            )}
          </DropZone>
          {(unusable ?? missing) && (
            <Text as="p" tone="critical">
              {unusable ?? missing}
            </Text>
          )}
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
