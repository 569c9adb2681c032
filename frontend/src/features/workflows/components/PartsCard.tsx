import { BlockStack, Card, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { partsQuery } from "../api";

function fieldsOf(schema: Record<string, unknown>): string {
  return Object.keys((schema.properties ?? {}) as object).join(", ");
}

/** What a workflow can be built of. */
export function PartsCard() {
  const { t } = useI18n();
  const query = useQuery(partsQuery);
  return (
    <QueryView
      query={query}
      skeleton={
        <LoadingRegion>
          <CardSkeleton lines={8} />
        </LoadingRegion>
      }
    >
      {(parts) => (
        <Card>
          <BlockStack gap="400">
            <BlockStack gap="200">
              <Text as="h2" variant="headingMd">
                {t("workflows.parts.jobs")}
              </Text>
              {parts.jobs.map((job) => (
                <BlockStack key={job.name}>
                  <code>{job.name}</code>
                  <Text as="span" variant="bodySm" tone="subdued">
                    {t.code("jobs", job.name)}
                    {fieldsOf(job.args_schema) &&
                      ` · ${t("workflows.parts.args", { names: fieldsOf(job.args_schema) })}`}
                  </Text>
                </BlockStack>
              ))}
            </BlockStack>
            <BlockStack gap="200">
              <Text as="h2" variant="headingMd">
                {t("workflows.parts.queries")}
              </Text>
              {parts.queries.map((one) => (
                <BlockStack key={one.name}>
                  <code>{one.name}</code>
                  <Text as="span" variant="bodySm" tone="subdued">
                    {one.description}
                  </Text>
                </BlockStack>
              ))}
            </BlockStack>
            <Text as="p" variant="bodySm" tone="subdued">
              {t("workflows.parts.help")}
            </Text>
          </BlockStack>
        </Card>
      )}
    </QueryView>
  );
}
