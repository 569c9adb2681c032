import { BlockStack, Box, Button, InlineStack, Text, TextField } from "@shopify/polaris";
import { EmailIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { EmptyState } from "@/components/EmptyState";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { fieldError } from "@/lib/fieldErrors";
import { useMay } from "@/lib/useSession";
import { domainsQuery, useAddDomain } from "../api";
import { DomainCard } from "./DomainCard";

/** The domains that the store's mail comes from, with the records that prove them. */
export function DomainsSection() {
  const { t } = useI18n();
  const query = useQuery(domainsQuery);
  const mayManage = useMay("manage");
  const [isAdding, setAdding] = useState(false);
  const add = mayManage && <Button onClick={() => setAdding(true)}>{t("sending.domain.add")}</Button>;
  return (
    <BlockStack gap="400">
      <Box paddingInline={{ xs: "400", sm: "0" }}>
        <InlineStack align="space-between" blockAlign="center" gap="200">
          <Text as="h2" variant="headingMd">
            {t("sending.domains")}
          </Text>
          {add}
        </InlineStack>
      </Box>
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={5} />
          </LoadingRegion>
        }
        isEmpty={(domains) => domains.length === 0}
        empty={
          <EmptyState icon={EmailIcon} title={t("sending.domain.none")}>
            {t("sending.domain.none_body")}
          </EmptyState>
        }
      >
        {(domains) => (
          <BlockStack gap="400">
            {domains.map((domain) => (
              <DomainCard key={domain.id} domain={domain} />
            ))}
          </BlockStack>
        )}
      </QueryView>
      {isAdding && <AddDomainModal onClose={() => setAdding(false)} />}
    </BlockStack>
  );
}

function AddDomainModal({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const add = useAddDomain();
  const [name, setName] = useState("");
  return (
    <ActModal
      title={t("sending.domain.add")}
      consequence={t("sending.domain.add_body")}
      action={t("sending.domain.add")}
      error={add.error}
      pointers={["/domain"]}
      isPending={add.isPending}
      onAct={() => add.mutate(name.trim(), { onSuccess: onClose })}
      onClose={onClose}
    >
      <TextField
        label={t("sending.domain.name")}
        placeholder="mail.example.com"
        value={name}
        autoComplete="off"
        error={fieldError(add.error, "/domain")}
        onChange={setName}
      />
    </ActModal>
  );
}
