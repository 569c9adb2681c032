import { BlockStack, Card, Text } from "@shopify/polaris";
import type { CSSProperties, ReactNode } from "react";
import styles from "./Stat.module.css";

interface StatProps {
  label: string;
  value: string;
  detail?: ReactNode;
}

/** One figure with its unit and what it is compared with. */
export function Stat({ label, value, detail }: StatProps) {
  return (
    <Card padding={{ xs: "300", md: "400" }}>
      <BlockStack gap="100">
        <Text as="h3" variant="bodySm" tone="subdued">
          {label}
        </Text>
        <p className={styles.value}>{value}</p>
        {detail && (
          <Text as="p" variant="bodySm" tone="subdued">
            {detail}
          </Text>
        )}
      </BlockStack>
    </Card>
  );
}

export function StatRow({ children, count }: { children: ReactNode; count: number }) {
  return (
    <div className={styles.row} style={{ "--sc-columns": count } as CSSProperties}>
      {children}
    </div>
  );
}
