import { BlockStack, Button, Card, InlineStack, SkeletonBodyText, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { QueryView } from "@/components/QueryView";
import { LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { lookQuery } from "@/lib/queries/look";
import styles from "./look.module.css";

/** The look in two swatches and an address, and the way to its page. */
export function LookCard() {
  const { t } = useI18n();
  const query = useQuery(lookQuery);
  return (
    <Card>
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <SkeletonBodyText lines={3} />
          </LoadingRegion>
        }
      >
        {(look) => (
          <BlockStack gap="400" inlineAlign="start">
            <InlineStack gap="400">
              <Swatch name={t("look.accent")} colour={look.accent} />
              <Swatch name={t("look.background")} colour={look.background} />
            </InlineStack>
            <Text as="p" tone={look.address ? undefined : "caution"}>
              {look.address ?? t("look.none")}
            </Text>
            <Button url="/settings/look">{t("look.change")}</Button>
          </BlockStack>
        )}
      </QueryView>
    </Card>
  );
}

function Swatch({ name, colour }: { name: string; colour: string }) {
  return (
    <InlineStack gap="200" blockAlign="center">
      <span className={styles.swatch} style={{ background: colour }} aria-hidden="true" />
      <Text as="span">
        {name} <code>{colour}</code>
      </Text>
    </InlineStack>
  );
}
