import { BlockStack, ChoiceList, Modal, SkeletonBodyText, Text, TextField } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign } from "@/lib/api/types";
import { fieldError } from "@/lib/fieldErrors";
import { utcToZoned, zonedToUtc } from "@/lib/zoned";
import { audienceQuery, gateQuery, liveGateQuery, useSendCampaign } from "../api";
import { GateList } from "./GateList";

/** A schedule starts out here: tomorrow's same hour is rarely wrong and never at once. */
const DEFAULT_DELAY_MS = 24 * 3600 * 1000;

/** The last look before something that cannot be undone: it names the number of people. */
export function SendModal({ campaign, close }: { campaign: Campaign; close: () => void }) {
  const { t, f } = useI18n();
  const navigate = useNavigate();
  const audience = useQuery({ ...audienceQuery(campaign.id, campaign.version), staleTime: 0 });
  const gate = useQuery({ ...gateQuery(campaign.id, campaign.version), staleTime: 0 });
  const live = useQuery(liveGateQuery(campaign.id, campaign.version));
  const send = useSendCampaign(campaign.id);
  // By their own clocks there is no "now".
  const isLocal = campaign.pacing.mode === "local_time";
  const [when, setWhen] = useState<"now" | "later">(isLocal ? "later" : "now");
  const [wall, setWall] = useState(
    () => `${utcToZoned(Date.now() + DEFAULT_DELAY_MS, f.timeZone).slice(0, 13)}:00`,
  );

  const recipients = audience.data?.recipients;
  // What only asking showed to be wrong, such as an image that no mail program loads, has to be mended as well.
  const stopped = (live.data ?? []).some((check) => check.level === "stop");
  const ready = gate.data?.ready === true && !stopped && recipients !== undefined && recipients > 0;
  const action =
    recipients === undefined
      ? t("send.counting")
      : t(when === "now" ? "send.action" : "send.schedule_action", { count: recipients });

  async function confirm() {
    if (recipients === undefined) return;
    await send.mutateAsync({
      confirm_recipients: recipients,
      ...(when === "later" ? { scheduled_at: zonedToUtc(wall, f.timeZone) } : {}),
    });
    if (when === "now") await navigate(`/campaigns/${campaign.id}`);
    else close();
  }

  return (
    <Modal
      open
      onClose={close}
      title={recipients === undefined ? t("send.counting") : t("send.title", { count: recipients })}
      primaryAction={{
        content: action,
        disabled: !ready,
        loading: send.isPending,
        onAction: () =>
          void confirm().catch(() => {
            // The error is on screen; the number may have moved, so it is read again.
            void audience.refetch();
          }),
      }}
      secondaryActions={[{ content: t("action.cancel"), onAction: close }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          {send.error && <ErrorState error={send.error} title={t("send.failed")} />}
          {(audience.error ?? gate.error) && (
            <ErrorState
              error={audience.error ?? gate.error}
              retry={() => {
                void audience.refetch();
                void gate.refetch();
              }}
            />
          )}
          <Text as="p">
            {t("send.summary", {
              subject: campaign.subject || t("preview.no_subject"),
              sender: `${campaign.from_name} <${campaign.from_email}>`,
            })}
          </Text>
          {gate.data ? (
            <GateList checks={[...gate.data.checks, ...(live.data ?? [])]} />
          ) : (
            <SkeletonBodyText lines={3} />
          )}
          <ChoiceList
            title={t("send.when")}
            choices={[
              { value: "now", label: t("send.now"), disabled: isLocal },
              { value: "later", label: t("send.later") },
            ]}
            selected={[when]}
            onChange={([value]) => setWhen(value === "later" ? "later" : "now")}
          />
          {when === "later" && (
            <TextField
              label={t("send.at", { zone: f.timeZone })}
              type="datetime-local"
              value={wall}
              onChange={setWall}
              error={fieldError(send.error, "/scheduled_at")}
              helpText={isLocal ? t("send.local_time") : undefined}
              autoComplete="off"
            />
          )}
          <Text as="p" tone="subdued">
            {t("send.final")}
          </Text>
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
