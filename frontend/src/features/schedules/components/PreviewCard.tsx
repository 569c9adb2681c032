import { BlockStack, Card, SkeletonBodyText, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { ErrorState } from "@/components/ErrorState";
import { LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { asApiError } from "@/lib/api/errors";
import { useDebounced } from "@/lib/useDebounced";
import { previewQuery } from "../api";
import { type Draft, whenOf } from "../draft";
import { NextRuns } from "./NextRuns";

const TYPING_MS = 300;

/** When it will run, in words and as the next five times, while it is typed. */
export function PreviewCard({ draft }: { draft: Draft }) {
  const { t } = useI18n();
  const when = useDebounced(JSON.stringify(whenOf(draft)), TYPING_MS);
  const preview = useQuery(previewQuery(JSON.parse(when)));
  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingMd">
          {t("schedules.next_runs")}
        </Text>
        <div aria-live="polite">
          {preview.data ? (
            <BlockStack gap="200">
              <Text as="p" fontWeight="semibold">
                {preview.data.words}
              </Text>
              <NextRuns runs={preview.data.next_runs} timezone={draft.timezone} />
            </BlockStack>
          ) : preview.error ? (
            asApiError(preview.error).status === 422 ? (
              <Text as="p" tone="subdued">
                {t("schedules.no_preview")}
              </Text>
            ) : (
              <ErrorState
                error={preview.error}
                retry={() => void preview.refetch()}
                retrying={preview.isFetching}
              />
            )
          ) : (
            <LoadingRegion>
              <SkeletonBodyText lines={5} />
            </LoadingRegion>
          )}
        </div>
      </BlockStack>
    </Card>
  );
}
