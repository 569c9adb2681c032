import { BlockStack, Box, Card, Icon, type IconProps, InlineStack, Text } from "@shopify/polaris";
import type { ReactNode } from "react";
import styles from "./EmptyState.module.css";

interface Props {
  icon: IconProps["source"];
  title: string;
  children: ReactNode;
  action?: ReactNode;
}

/** Teaches what belongs here and offers the one step that fills it. */
export function EmptyState({ icon, title, children, action }: Props) {
  return (
    <Card>
      <Box paddingBlock="800" paddingInline="400">
        <BlockStack gap="300" inlineAlign="center">
          <span className={styles.badge} aria-hidden="true">
            <Icon source={icon} tone="inherit" />
          </span>
          <Text as="h2" variant="headingMd" alignment="center">
            {title}
          </Text>
          <div className={styles.text}>
            <Text as="p" tone="subdued" alignment="center">
              {children}
            </Text>
          </div>
          {action && <InlineStack gap="200">{action}</InlineStack>}
        </BlockStack>
      </Box>
    </Card>
  );
}
