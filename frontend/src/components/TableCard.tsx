import { BlockStack, Box, Button, Card, InlineStack, Text } from "@shopify/polaris";
import type { ReactNode } from "react";
import { useI18n } from "@/i18n/useI18n";

interface Props {
  title?: string;
  actions?: ReactNode;
  children: ReactNode;
  /** Reads the next page; absent on the last. */
  loadMore?: (() => void) | undefined;
  loadingMore?: boolean;
}

/** A card whose table reaches its edges. */
export function TableCard({ title, actions, children, loadMore, loadingMore = false }: Props) {
  const { t } = useI18n();
  return (
    <Card padding="0">
      {(title || actions) && (
        <Box padding="400" paddingBlockEnd="300">
          <InlineStack align="space-between" blockAlign="center" gap="200">
            {title && (
              <Text as="h2" variant="headingMd">
                {title}
              </Text>
            )}
            {actions}
          </InlineStack>
        </Box>
      )}
      {children}
      {loadMore && (
        <Box padding="300" borderBlockStartWidth="025" borderColor="border-secondary">
          <BlockStack inlineAlign="center">
            <Button onClick={loadMore} loading={loadingMore} variant="tertiary">
              {t("action.show_more")}
            </Button>
          </BlockStack>
        </Box>
      )}
    </Card>
  );
}
