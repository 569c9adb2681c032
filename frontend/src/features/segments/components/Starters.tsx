import { BlockStack, Card, InlineGrid, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Rules } from "@/lib/rules";
import { STARTERS } from "../starters";
import styles from "./segments.module.css";

/** An empty builder teaches by example. */
export function Starters({ choose }: { choose: (name: string, rules: Rules) => void }) {
  const { t } = useI18n();
  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingMd">
          {t("starter.title")}
        </Text>
        <InlineGrid columns={{ xs: 1, sm: 2 }} gap="300">
          {STARTERS.map(({ key, rules }) => (
            <button
              key={key}
              type="button"
              className={styles.starter}
              onClick={() => choose(t(`starter.${key}.name`), rules)}
            >
              <span className={styles.starterName}>{t(`starter.${key}.name`)}</span>
              <span className={styles.starterWhy}>{t(`starter.${key}.why`)}</span>
            </button>
          ))}
        </InlineGrid>
      </BlockStack>
    </Card>
  );
}
