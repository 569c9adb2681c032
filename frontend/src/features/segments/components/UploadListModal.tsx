import { BlockStack, DropZone, Modal, Text, TextField } from "@shopify/polaris";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { asApiError } from "@/lib/api/errors";
import { useUploadList } from "../api";
import { ListReport } from "./ListReport";

/** Takes a CSV file and says what became of every row. */
export function UploadListModal({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const upload = useUploadList();
  const [name, setName] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const [asked, setAsked] = useState(false);
  const made = upload.data;
  const unusable = asApiError(upload.error).fields.find((fault) => fault.pointer === "/file")?.message;
  const missing = asked && file === null ? t("lists.file_missing") : undefined;

  function send() {
    setAsked(true);
    if (file !== null && name.trim() !== "") upload.mutate({ name: name.trim(), file });
  }

  return (
    <Modal
      open
      onClose={onClose}
      title={made ? made.name : t("lists.upload")}
      {...(made
        ? { primaryAction: { content: t("action.close"), onAction: onClose } }
        : {
            primaryAction: { content: t("lists.upload"), loading: upload.isPending, onAction: send },
            secondaryActions: [{ content: t("action.close"), onAction: onClose }],
          })}
    >
      <Modal.Section>
        {made ? (
          <BlockStack gap="300">
            <Text as="p" fontWeight="semibold">
              {t("lists.done", { count: made.row_count, members: made.member_count })}
            </Text>
            {made.refused_count > 0 && <ListReport list={made} />}
          </BlockStack>
        ) : (
          <BlockStack gap="400">
            {upload.error && !unusable && (
              <ErrorState error={upload.error} title={t("lists.upload_failed")} />
            )}
            <Text as="p" tone="subdued">
              {t("lists.form")}
            </Text>
            <TextField
              label={t("segments.name")}
              value={name}
              maxLength={120}
              autoComplete="off"
              error={asked && name.trim() === "" ? t("segments.name_missing") : undefined}
              onChange={setName}
            />
            <DropZone
              label={t("lists.file")}
              accept=".csv,text/csv,text/plain"
              allowMultiple={false}
              onDrop={(dropped) => {
                setFile(dropped[0] ?? null);
                if (name === "") setName(dropped[0]?.name.replace(/\.[^.]*$/, "") ?? "");
                upload.reset();
              }}
            >
              {file === null ? (
                <DropZone.FileUpload actionTitle={t("lists.choose_file")} actionHint={t("lists.limits")} />
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
        )}
      </Modal.Section>
    </Modal>
  );
}
