import { BlockStack, Button, Card, InlineStack, ProgressBar, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Home } from "@/lib/api/types";
import styles from "./Checklist.module.css";

type Item = Home["checklist"][number];

/** Where each step is done; the first two happen by themselves. */
const STEP_PATHS: Partial<Record<Item["key"], string>> = {
  sender: "/settings#sender",
  pixel: "/settings#pixel",
  segment: "/segments/new",
  campaign: "/campaigns/new",
};

/** The way from the install to the first campaign. Goes away when done, or when the reader removes it. */
export function Checklist({ items, hide }: { items: readonly Item[]; hide: () => void }) {
  const { t, f } = useI18n();
  const done = items.filter((item) => item.done).length;
  const next = items.find((item) => !item.done);

  return (
    <Card>
      <BlockStack gap="400">
        <InlineStack align="space-between" blockAlign="center">
          <Text as="h2" variant="headingMd">
            {t("checklist.title")}
          </Text>
          <Button variant="tertiary" onClick={hide}>
            {t("checklist.hide")}
          </Button>
        </InlineStack>
        <InlineStack gap="300" blockAlign="center" wrap={false}>
          <Text as="span" variant="bodySm" tone="subdued">
            {t("checklist.progress", { done: f.number(done), total: f.number(items.length) })}
          </Text>
          <div className={styles.bar}>
            <ProgressBar progress={(done / items.length) * 100} size="small" tone="success" />
          </div>
        </InlineStack>
        <ol className={styles.steps}>
          {items.map((item) => {
            const path = STEP_PATHS[item.key];
            return (
              <li key={item.key} className={styles.step} data-next={item === next || undefined}>
                <span className={styles.mark} data-done={item.done || undefined} aria-hidden="true">
                  {item.done ? "✓" : ""}
                </span>
                <span className={styles.text}>
                  <Text
                    as="span"
                    fontWeight={item.done ? "regular" : "semibold"}
                    tone={item.done ? "subdued" : undefined}
                  >
                    {t.code("checklist.step", item.key)}
                    {item.done && <Text as="span" visuallyHidden>{` (${t("checklist.done")})`}</Text>}
                  </Text>
                  {item === next && (
                    <Text as="span" variant="bodySm" tone="subdued">
                      {t.code("checklist.why", item.key)}
                    </Text>
                  )}
                </span>
                {!item.done && path && <Button url={path}>{t.code("checklist.action", item.key)}</Button>}
              </li>
            );
          })}
        </ol>
      </BlockStack>
    </Card>
  );
}
