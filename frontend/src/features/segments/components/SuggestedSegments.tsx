import { BlockStack, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Facts } from "@/components/Facts";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { TimeAgo } from "@/components/TimeAgo";
import type { Translate } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import type { MicroSegment, MicroSegments } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";
import { inWords } from "@/lib/ruleWords";
import { useMay } from "@/lib/useSession";
import { suggestedQuery } from "../api";
import { AdoptModal } from "./AdoptModal";
import styles from "./segments.module.css";

function labelOf(t: Translate, { label, number }: MicroSegment): string {
  const words = t.code("micro_segment", label);
  return number > 1 ? t("suggested.numbered", { label: words, number }) : words;
}

/** Groups of buyers found in the shop's own data, each one click from being a segment. */
export function SuggestedSegments() {
  const { t } = useI18n();
  const query = useQuery(suggestedQuery);
  return (
    <QueryView
      query={query}
      skeleton={<TableSkeleton rows={4} />}
      isEmpty={(found) => found.items.length === 0}
      empty={<NoSuggestions reason={query.data?.reason ?? null} />}
    >
      {(found) => (
        <Card>
          <BlockStack gap="400">
            <BlockStack gap="100">
              <Text as="h2" variant="headingMd">
                {t("suggested.title")}
              </Text>
              <Text as="p" tone="subdued">
                {t("suggested.subtitle")}
              </Text>
              <Text as="p" variant="bodySm" tone="subdued">
                {t("suggested.found")} <TimeAgo at={found.found_at} />
              </Text>
            </BlockStack>
            <Groups found={found} />
          </BlockStack>
        </Card>
      )}
    </QueryView>
  );
}

function NoSuggestions({ reason }: { reason: MicroSegments["reason"] }) {
  const { t } = useI18n();
  const tooFew = reason === "too_few_buyers";
  return (
    <Card>
      <BlockStack gap="200" inlineAlign="start">
        <Text as="h2" variant="headingMd">
          {t("suggested.title")}
        </Text>
        <Text as="p" tone="subdued">
          {t(tooFew ? "suggested.too_few" : "suggested.not_yet")}
        </Text>
        {!tooFew && <Button url="/">{t("suggested.not_yet_action")}</Button>}
      </BlockStack>
    </Card>
  );
}

function Groups({ found }: { found: MicroSegments }) {
  const { t } = useI18n();
  const [saving, setSaving] = useState<MicroSegment | null>(null);
  const buyers = found.items.reduce((sum, item) => sum + item.customers, 0);
  return (
    <>
      <ul className={styles.suggestions}>
        {found.items.map((item) => (
          <Suggestion key={item.id} item={item} buyers={buyers} onSave={() => setSaving(item)} />
        ))}
      </ul>
      {saving && <AdoptModal item={saving} label={labelOf(t, saving)} onClose={() => setSaving(null)} />}
    </>
  );
}

interface SuggestionProps {
  item: MicroSegment;
  buyers: number;
  onSave: () => void;
}

function Suggestion({ item, buyers, onSave }: SuggestionProps) {
  const { t, f } = useI18n();
  const mayEdit = useMay("edit");
  const label = labelOf(t, item);
  const share = ratio(item.customers, buyers);
  const days = item.facts.median_days_since_order;
  return (
    <li className={styles.suggestion}>
      <Text as="h3" variant="headingSm">
        {label}
      </Text>
      <InlineStack gap="200" blockAlign="baseline">
        <Text as="span" fontWeight="semibold">
          {t("suggested.people", { count: item.customers })}
        </Text>
        {share !== null && (
          <Text as="span" variant="bodySm" tone="subdued">
            {t("suggested.share", { share: f.percent(share) })}
          </Text>
        )}
      </InlineStack>
      <Text as="p" tone="subdued">
        {inWords(t, item.rules)}
      </Text>
      <Facts
        facts={[
          [t("suggested.orders"), f.decimal(item.facts.orders_per_customer)],
          [t("suggested.spend"), f.money(item.facts.spend_per_customer)],
          [t("suggested.since"), days === null ? "–" : t("rules.days", { count: days })],
        ]}
      />
      {item.segment_id !== null ? (
        <InlineStack>
          <Button
            url={`/segments/${item.segment_id}`}
            variant="plain"
            accessibilityLabel={t("suggested.open_one", { label })}
          >
            {t("suggested.open")}
          </Button>
        </InlineStack>
      ) : (
        mayEdit && (
          <InlineStack>
            <Button onClick={onSave} accessibilityLabel={t("suggested.save_one", { label })}>
              {t("suggested.save")}
            </Button>
          </InlineStack>
        )
      )}
    </li>
  );
}
