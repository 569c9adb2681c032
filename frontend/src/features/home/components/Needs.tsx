import { Banner, BlockStack, Button, InlineStack, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Home } from "@/lib/api/types";

type Need = Home["needs"][number];

const ORDER = ["critical", "warning", "info"];

/** Where each need is met. A need without an entry only informs. */
function remedy(need: Need): string | null {
  const campaign = typeof need.facts.campaign_id === "string" ? need.facts.campaign_id : null;
  if (campaign) return `/campaigns/${campaign}`;
  const pages: [RegExp, string][] = [
    [/task|job|dead/, "/tasks?state=dead"],
    [/worker|process/, "/workers"],
    [/sender|pixel|token|scope|webhook/, "/settings"],
    [/sync/, "/tasks"],
    [/segment/, "/segments"],
  ];
  return pages.find(([code]) => code.test(need.code))?.[1] ?? null;
}

function factsOf(need: Need): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(need.facts).filter((fact): fact is [string, string | number] =>
      ["string", "number"].includes(typeof fact[1]),
    ),
  );
}

/** What waits for the reader, worst first. */
export function Needs({ needs }: { needs: readonly Need[] }) {
  const { t } = useI18n();
  if (needs.length === 0) return null;
  const sorted = [...needs].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  return (
    <section aria-label={t("home.needs.title")}>
      <BlockStack gap="200">
        {sorted.map((need) => {
          const url = remedy(need);
          return (
            <Banner key={need.code + JSON.stringify(need.facts)} tone={need.severity}>
              <InlineStack align="space-between" blockAlign="center" gap="300">
                <Text as="p">{t.code("need", need.code, factsOf(need))}</Text>
                {url && <Button url={url}>{t.code("need_action", need.code, {}, t("action.open"))}</Button>}
              </InlineStack>
            </Banner>
          );
        })}
      </BlockStack>
    </section>
  );
}
