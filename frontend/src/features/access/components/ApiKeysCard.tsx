import { BlockStack, Box, Button, InlineStack, Text } from "@shopify/polaris";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { type Column, DataTable } from "@/components/DataTable";
import { QueryView } from "@/components/QueryView";
import { RowMenu } from "@/components/RowMenu";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useActor } from "@/lib/useActor";
import { type ApiKey, apiKeysQuery, useRevokeKey } from "../api";
import { NewKeyModal } from "./NewKeyModal";
import { RotateKeyModal } from "./RotateKeyModal";

/** The keys by which other programs come in. A secret is shown when it is made and never again. */
export function ApiKeysCard() {
  const { t } = useI18n();
  const actor = useActor();
  const query = useInfiniteQuery(apiKeysQuery);
  const revoke = useRevokeKey();
  const [isAdding, setAdding] = useState(false);
  const [rotating, setRotating] = useState<ApiKey | null>(null);
  const [doomed, setDoomed] = useState<ApiKey | null>(null);

  const columns: Column<ApiKey>[] = [
    {
      key: "name",
      header: t("access.key.name"),
      cell: (key) => (
        <BlockStack>
          <Text as="span" fontWeight="semibold">
            {key.name}
          </Text>
          <Text as="span" tone="subdued" variant="bodySm" breakWord>
            <code>{key.id}</code>
          </Text>
        </BlockStack>
      ),
    },
    {
      key: "scopes",
      header: t("access.key.scopes"),
      cell: (key) => key.scopes.map((scope) => t(`access.scope.${scope}`)).join(", "),
    },
    { key: "state", header: t("access.key.state"), cell: (key) => <StateBadge state={key.state} /> },
    {
      key: "expires",
      header: t("access.key.expires"),
      cell: (key) => (key.expires_at ? <TimeAgo at={key.expires_at} /> : t("access.key.no_end")),
    },
    { key: "used", header: t("access.key.used"), cell: (key) => <TimeAgo at={key.last_used_at} /> },
    { key: "by", header: t("access.key.by"), cell: (key) => actor(key.created_by) },
    {
      key: "actions",
      header: t("access.actions"),
      corner: true,
      cell: (key) =>
        key.state === "working" ? (
          <RowMenu
            label={t("access.actions_of", { name: key.name })}
            actions={[
              { content: t("access.key.rotate"), onAction: () => setRotating(key) },
              { content: t("access.key.revoke"), destructive: true, onAction: () => setDoomed(key) },
            ]}
          />
        ) : (
          "–"
        ),
    },
  ];

  return (
    <BlockStack gap="400">
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={3} />
          </LoadingRegion>
        }
      >
        {({ pages }) => {
          const keys = pages.flatMap((each) => each.items);
          return (
            <TableCard
              title={t("access.keys")}
              actions={<Button onClick={() => setAdding(true)}>{t("access.key.add")}</Button>}
            >
              {keys.length === 0 ? (
                <Box padding="400" paddingBlockStart="0">
                  <Text as="p" tone="subdued">
                    {t("access.key.none")}
                  </Text>
                </Box>
              ) : (
                <DataTable
                  caption={t("access.keys")}
                  columns={columns}
                  rows={keys}
                  rowKey={(key) => key.id}
                />
              )}
              {query.hasNextPage && (
                <Box padding="400">
                  <InlineStack align="center">
                    <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                      {t("access.key.more")}
                    </Button>
                  </InlineStack>
                </Box>
              )}
            </TableCard>
          );
        }}
      </QueryView>
      {isAdding && <NewKeyModal onClose={() => setAdding(false)} />}
      {rotating && <RotateKeyModal apiKey={rotating} onClose={() => setRotating(null)} />}
      {doomed && (
        <ActModal
          title={t("access.key.revoke_title", { name: doomed.name })}
          consequence={t("access.key.revoke_body")}
          action={t("access.key.revoke")}
          destructive
          error={revoke.error}
          isPending={revoke.isPending}
          onAct={() => revoke.mutate(doomed.id, { onSuccess: () => setDoomed(null) })}
          onClose={() => setDoomed(null)}
        />
      )}
    </BlockStack>
  );
}
