import { BlockStack, Card, InlineGrid, SkeletonBodyText, SkeletonDisplayText } from "@shopify/polaris";
import type { ReactNode } from "react";
import { useI18n } from "@/i18n/useI18n";

/** Marks a region as still loading for those who cannot see the grey bars. */
export function LoadingRegion({ children }: { children: ReactNode }) {
  const { t } = useI18n();
  return (
    <div role="status" aria-busy="true" aria-label={t("state.loading")}>
      {children}
    </div>
  );
}

export function CardSkeleton({ lines = 3 }: { lines?: number }) {
  return (
    <Card>
      <BlockStack gap="400">
        <SkeletonDisplayText size="small" />
        <SkeletonBodyText lines={lines} />
      </BlockStack>
    </Card>
  );
}

export function TilesSkeleton({ count }: { count: number }) {
  return (
    <InlineGrid columns={{ xs: 2, md: count }} gap="300">
      {Array.from({ length: count }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: identical placeholders have no other identity
        <CardSkeleton key={index} lines={1} />
      ))}
    </InlineGrid>
  );
}

export function TableSkeleton({ rows = 6 }: { rows?: number }) {
  return (
    <LoadingRegion>
      <CardSkeleton lines={rows} />
    </LoadingRegion>
  );
}
