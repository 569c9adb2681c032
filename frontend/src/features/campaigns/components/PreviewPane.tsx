import { BlockStack, Card, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { MessageFrame } from "@/components/MessageFrame";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign, VersionWords } from "@/lib/api/types";
import { useDebounced } from "@/lib/useDebounced";
import { type PreviewContent, previewQuery } from "../api";
import { type Draft, sourceOf } from "../draft";
import styles from "./PreviewPane.module.css";
import { PreviewToolbar, type PreviewView } from "./PreviewToolbar";

/** Widths that mail programs lay messages out at: a common phone, and a wide reading pane. */
const PHONE_PX = 375;
const DESKTOP_PX = 680;

/** Long enough not to render at every keystroke, short enough to feel live. */
export const RENDER_AFTER_MS = 400;

/** Most mail programs cut a message off past this size, with its unsubscribe link. */
const CLIPPED_AT_BYTES = 102_000;

/** A version to show instead of that of the customer's language. */
export interface Look {
  /** Null while it is not stored. */
  number: number | null;
  locale?: string | null;
  letter?: string;
  words: VersionWords;
}

interface Props {
  campaign: Campaign;
  content: Draft;
  /** The source has errors, so the picture is of the last version without any. */
  broken: boolean;
  look: Look | null;
  setLook: (look: Look | null) => void;
}

/** What is asked for: the editor's content with what the version says differently. */
function asked(draft: Draft, look: Look | null): PreviewContent {
  const words = look?.words;
  const own = words?.mjml != null ? { mjml: words.mjml } : words?.html != null ? { html: words.html } : null;
  return {
    subject: words?.subject ?? draft.subject,
    preview_text: words?.preview_text ?? draft.preview_text,
    ...(own ?? sourceOf(draft)),
  };
}

/** The message as one customer gets it, re-rendered as it is written. */
export function PreviewPane({ campaign, content, broken, look, setLook }: Props) {
  const { t, f } = useI18n();
  const [customerId, setCustomerId] = useState<string | null>(null);
  const [view, setView] = useState<PreviewView>({ device: "desktop", dark: false, imagesOff: false });
  const settled = useDebounced(look, RENDER_AFTER_MS);
  const stored = [campaign.segment_id, ...campaign.product_gids, String(campaign.version)];
  const version = settled && (settled.number ?? 0);
  const query = useQuery({
    ...previewQuery(campaign.id, stored, customerId, version, asked(content, settled)),
    // The API would only refuse it; the last good picture stays.
    enabled: !broken,
  });
  const { data, error } = query;
  const fromName =
    data && data.version > 0 ? data.from_name : (settled?.words.from_name ?? content.from_name);

  return (
    <section className={styles.pane} aria-label={t("preview.title")}>
      <Card padding="0">
        <PreviewToolbar
          campaign={campaign}
          look={look}
          setLook={setLook}
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
                {(fromName || "?").charAt(0).toUpperCase()}
              </span>
              <div className={styles.lines}>
                <BlockStack>
                  <Text as="span" fontWeight="semibold" truncate>
                    {fromName || t("preview.no_sender")}
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
