import { Banner, BlockStack, Button, Card, Collapsible, InlineStack, Text } from "@shopify/polaris";
import { useId, useState } from "react";
import { ActModal } from "@/components/ActModal";
import { ErrorState } from "@/components/ErrorState";
import { RowMenu } from "@/components/RowMenu";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import { type SendingDomain, useRemoveDomain, useRotateKeys, useVerifyDomain } from "../api";
import { CheckList } from "./CheckList";
import { RecordList } from "./RecordList";

/** One domain: where it stands, what was found, and what to publish. */
export function DomainCard({ domain }: { domain: SendingDomain }) {
  const { t } = useI18n();
  const mayManage = useMay("manage");
  const verify = useVerifyDomain();
  const [asked, setAsked] = useState<"rotate" | "remove" | null>(null);
  const needsRecords = domain.state !== "verified" || domain.rotating;
  const [isOpen, setOpen] = useState(needsRecords);
  const recordsId = useId();
  return (
    <Card>
      <BlockStack gap="400">
        <InlineStack align="space-between" blockAlign="center" gap="200">
          <InlineStack gap="200" blockAlign="center">
            <Text as="h3" variant="headingSm" breakWord>
              {domain.domain}
            </Text>
            <StateBadge state={domain.state} label={t(`sending.state.${domain.state}`)} />
          </InlineStack>
          {mayManage && (
            <InlineStack gap="200" blockAlign="center">
              <Button
                loading={verify.isPending}
                accessibilityLabel={t("sending.domain.verify_of", { domain: domain.domain })}
                onClick={() => verify.mutate(domain.id)}
              >
                {t("sending.domain.verify")}
              </Button>
              <RowMenu
                label={t("sending.actions_of", { name: domain.domain })}
                actions={[
                  {
                    content: t("sending.domain.rotate"),
                    disabled: domain.rotating || domain.state === "unverified",
                    onAction: () => setAsked("rotate"),
                  },
                  {
                    content: t("sending.remove"),
                    destructive: true,
                    onAction: () => setAsked("remove"),
                  },
                ]}
              />
            </InlineStack>
          )}
        </InlineStack>
        {verify.error && <ErrorState error={verify.error} title={t("sending.domain.verify_failed")} />}
        {domain.rotating && (
          <Banner tone="info" title={t("sending.domain.rotating")}>
            <p>{t("sending.domain.rotating_body")}</p>
          </Banner>
        )}
        {domain.state === "failing" && (
          <Banner tone="critical" title={t("sending.domain.failing")}>
            <p>{t("sending.domain.failing_body")}</p>
          </Banner>
        )}
        <CheckList checks={domain.checks} />
        <InlineStack gap="400" blockAlign="center">
          <Button
            variant="plain"
            disclosure={isOpen ? "up" : "down"}
            ariaExpanded={isOpen}
            ariaControls={recordsId}
            onClick={() => setOpen(!isOpen)}
          >
            {t("sending.domain.records")}
          </Button>
          {domain.checked_at && (
            <Text as="span" tone="subdued">
              {t("sending.domain.checked")} <TimeAgo at={domain.checked_at} />
            </Text>
          )}
        </InlineStack>
        <Collapsible id={recordsId} open={isOpen}>
          <RecordList records={domain.records} />
        </Collapsible>
      </BlockStack>
      {asked === "rotate" && <RotateModal domain={domain} onClose={() => setAsked(null)} />}
      {asked === "remove" && <RemoveModal domain={domain} onClose={() => setAsked(null)} />}
    </Card>
  );
}

interface Asked {
  domain: SendingDomain;
  onClose: () => void;
}

function RotateModal({ domain, onClose }: Asked) {
  const { t } = useI18n();
  const rotate = useRotateKeys();
  return (
    <ActModal
      title={t("sending.domain.rotate_title", { domain: domain.domain })}
      consequence={t("sending.domain.rotate_body")}
      action={t("sending.domain.rotate")}
      error={rotate.error}
      isPending={rotate.isPending}
      onAct={() => rotate.mutate(domain.id, { onSuccess: onClose })}
      onClose={onClose}
    />
  );
}

function RemoveModal({ domain, onClose }: Asked) {
  const { t } = useI18n();
  const remove = useRemoveDomain();
  return (
    <ActModal
      title={t("sending.domain.remove_title", { domain: domain.domain })}
      consequence={t("sending.domain.remove_body")}
      action={t("sending.remove")}
      destructive
      error={remove.error}
      isPending={remove.isPending}
      onAct={() => remove.mutate(domain.id, { onSuccess: onClose })}
      onClose={onClose}
    />
  );
}
