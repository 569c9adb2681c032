import { BlockStack, Button, Card, InlineStack, Select, Text, TextField } from "@shopify/polaris";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign } from "@/lib/api/types";
import { discountsQuery } from "@/lib/queries/discounts";

interface Props {
  campaign: Campaign;
  saving: boolean;
  choose: (choice: { discount_id: string | null } | { discount_path: string }) => void;
}

/** Where each message's own discount code comes from, and which page of the shop its link opens. */
export function CodesCard({ campaign, saving, choose }: Props) {
  const { t } = useI18n();
  const query = useInfiniteQuery(discountsQuery);
  const [path, setPath] = useState(campaign.discount_path);
  const discounts = query.data?.pages.flatMap((page) => page.items) ?? [];
  const known = discounts.some(({ id }) => id === campaign.discount_id);
  const isPath = /^\/([^/\s\\][^\s\\]*)?$/.test(path);
  return (
    <Card>
      <BlockStack gap="300">
        <InlineStack align="space-between" blockAlign="center">
          <Text as="h2" variant="headingMd">
            {t("codes.title")}
          </Text>
          <Button variant="plain" url="/campaigns/discounts">
            {t("discounts.title")}
          </Button>
        </InlineStack>
        {query.error && <ErrorState error={query.error} retry={() => void query.refetch()} />}
        <Select
          label={t("codes.choose")}
          disabled={saving || query.isPending}
          options={[
            { value: "", label: query.isPending ? t("state.loading") : t("codes.none") },
            ...(campaign.discount_id && !known ? [{ value: campaign.discount_id, label: "…" }] : []),
            ...discounts.map(({ id, title, live, leased }) => ({
              value: id,
              label: t("codes.option", { title, count: live - leased }),
            })),
          ]}
          value={campaign.discount_id ?? ""}
          onChange={(id) => choose({ discount_id: id || null })}
          helpText={t(campaign.discount_id ? "codes.how" : "codes.why")}
        />
        {campaign.discount_id && (
          <TextField
            label={t("codes.path")}
            value={path}
            onChange={setPath}
            onBlur={() => isPath && path !== campaign.discount_path && choose({ discount_path: path })}
            error={isPath ? undefined : t("codes.path_wrong")}
            helpText={t("codes.path_help")}
            maxLength={500}
            autoComplete="off"
          />
        )}
      </BlockStack>
    </Card>
  );
}
