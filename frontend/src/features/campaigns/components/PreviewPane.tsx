import { BlockStack, Card, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { MessageFrame } from "@/components/MessageFrame";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { previewQuery } from "../api";
import { type Draft, sourceOf } from "../draft";
import styles from "./PreviewPane.module.css";
import { PreviewToolbar, type PreviewView } from "./PreviewToolbar";

/** Widths that mail programs lay messages out at: a common phone, and a wide reading pane. */
const PHONE_PX = 375;
const DESKTOP_PX = 680;

/** Most mail programs cut a message off past this size, with its unsubscribe link. */
const CLIPPED_AT_BYTES = 102_000;

interface Props {
  campaignId: string;
  segmentId: string | null;
  productGids: readonly string[];
  content: Draft;
  /** The source has errors, so the picture is of the last version without any. */
  broken: boolean;
}

/** The message as one customer gets it, re-rendered as it is written. */
export function PreviewPane({ campaignId, segmentId, productGids, content, broken }: Props) {
  const { t, f } = useI18n();
  const [customerId, setCustomerId] = useState<string | null>(null);
  const [view, setView] = useState<PreviewView>({ device: "desktop", dark: false, imagesOff: false });
  const { subject, preview_text } = content;
  const query = useQuery({
    ...previewQuery(campaignId, [segmentId, ...productGids], customerId, {
      subject,
      preview_text,
      ...sourceOf(content),
    }),
    // The API would only refuse it; the last good picture stays.
    enabled: !broken,
  });
  const { data, error } = query;

  return (
    <section className={styles.pane} aria-label={t("preview.title")}>
      <Card padding="0">
        <PreviewToolbar
          campaignId={campaignId}
          segmentId={segmentId}
          view={view}
          setView={setView}
          customer={data?.customer ?? null}
          setCustomerId={setCustomerId}
        />
        {error && !broken && (
          <div className={styles.notice}>
            <ErrorState error={error} retry={() => void query.refetch()} title={t("preview.failed")} />
          </div>
        )}
        {broken && (
          <div className={styles.notice}>
            <Text as="p" tone="critical">
              {t("preview.broken")}
            </Text>
          </div>
        )}
        {!data && !error && (
          <LoadingRegion>
            <CardSkeleton lines={12} />
          </LoadingRegion>
        )}
        {data && (
          <>
            <div className={styles.envelope}>
              <span className={styles.avatar} aria-hidden="true">
                {(content.from_name || "?").charAt(0).toUpperCase()}
              </span>
              <div className={styles.lines}>
                <BlockStack>
                  <Text as="span" fontWeight="semibold" truncate>
                    {content.from_name || t("preview.no_sender")}
                  </Text>
                  <Text as="span" truncate>
                    {data.subject || t("preview.no_subject")}
                  </Text>
                  <Text as="span" tone="subdued" truncate>
                    {data.preview_text}
                  </Text>
                </BlockStack>
              </div>
            </div>
            <div className={styles.stage} data-device={view.device} data-dark={view.dark || undefined}>
              <MessageFrame
                html={data.html}
                title={t("preview.frame", { name: data.customer?.name ?? t("preview.sample_person") })}
                width={view.device === "phone" ? PHONE_PX : DESKTOP_PX}
                dark={view.dark}
                imagesOff={view.imagesOff}
              />
            </div>
            <div className={styles.footer}>
              <Text
                as="p"
                variant="bodySm"
                tone={data.size_bytes > CLIPPED_AT_BYTES ? "critical" : "subdued"}
              >
                {data.size_bytes > CLIPPED_AT_BYTES
                  ? t("preview.clipped", { size: f.bytes(data.size_bytes) })
                  : t("preview.size", { size: f.bytes(data.size_bytes) })}
              </Text>
              {data.missing.length > 0 && (
                <Text as="p" variant="bodySm" tone="caution">
                  {t("preview.missing", { names: data.missing.join(", ") })}
                </Text>
              )}
            </div>
          </>
        )}
      </Card>
    </section>
  );
}
