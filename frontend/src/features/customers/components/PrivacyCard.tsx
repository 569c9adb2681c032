import { BlockStack, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { useI18n } from "@/i18n/useI18n";
import { useToast } from "@/lib/useToast";
import { type CustomerDetail, type PrivacyKind, useAskForPrivacy } from "../api";

/** Handing out and erasing what is held on this person, for those who may manage the store. */
export function PrivacyCard({ customer }: { customer: CustomerDetail }) {
  const { t } = useI18n();
  const toast = useToast();
  const ask = useAskForPrivacy(customer);
  const [kind, setKind] = useState<PrivacyKind | null>(null);

  function close() {
    setKind(null);
    ask.reset();
  }

  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingMd">
          {t("privacy.title")}
        </Text>
        <Text as="p" tone="subdued">
          {t("customers.privacy")}
        </Text>
        <InlineStack gap="200">
          <Button onClick={() => setKind("data_request")}>{t("customers.export")}</Button>
          <Button tone="critical" onClick={() => setKind("customer_redact")}>
            {t("customers.erase")}
          </Button>
        </InlineStack>
        {ask.isSuccess && !kind && (
          <InlineStack>
            <Button variant="plain" url="/settings/privacy">
              {t("customers.to_privacy")}
            </Button>
          </InlineStack>
        )}
      </BlockStack>
      {kind && (
        <ActModal
          title={t(kind === "customer_redact" ? "customers.erase_title" : "customers.export_title", {
            name: customer.name,
          })}
          consequence={t(`privacy.consequence.${kind}`)}
          action={t(`privacy.do.${kind}`)}
          destructive={kind === "customer_redact"}
          error={ask.error}
          isPending={ask.isPending}
          onAct={() =>
            ask.mutate(kind, {
              onSuccess: () => {
                toast(t(`privacy.asked.${kind}`));
                setKind(null);
              },
            })
          }
          onClose={close}
        />
      )}
    </Card>
  );
}
