import { Badge, BlockStack, Card, InlineStack, Link, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Money } from "@/lib/api/types";
import type { TimelineEntry } from "../api";
import styles from "./Timeline.module.css";

/** What the API puts beside an entry; which of them depends on its kind. */
interface Told {
  name?: string;
  total?: Money;
  cancelled?: boolean;
  campaign?: string;
  campaign_id?: string;
  verdict?: string;
}

/** The newest hundred things that happened with a person: orders, and what they did with messages. */
export function Timeline({ entries }: { entries: readonly TimelineEntry[] }) {
  const { t } = useI18n();
  return (
    <Card>
      <BlockStack gap="400">
        <Text as="h2" variant="headingMd">
          {t("customers.timeline")}
        </Text>
        {entries.length === 0 ? (
          <Text as="p" tone="subdued">
            {t("customers.nothing_yet")}
          </Text>
        ) : (
          <ol className={styles.entries}>
            {entries.map((entry, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the entries are read once and have no ids
              <Entry key={index} entry={entry} />
            ))}
          </ol>
        )}
      </BlockStack>
    </Card>
  );
}

function Entry({ entry }: { entry: TimelineEntry }) {
  const { t, f } = useI18n();
  const told = (entry.facts ?? {}) as Told;
  const isOrder = entry.kind === "order";
  return (
    <li className={styles.entry} data-kind={isOrder ? "order" : "message"}>
      <InlineStack gap="200" blockAlign="center" align="space-between">
        <InlineStack gap="200" blockAlign="center">
          <Text as="span" fontWeight="semibold">
            {isOrder ? t("customers.ordered", { name: told.name ?? "" }) : t.code("event", entry.kind)}
          </Text>
          {told.cancelled && <Badge>{t("status.cancelled")}</Badge>}
          {told.verdict === "machine" && <Badge>{t("customers.machine")}</Badge>}
        </InlineStack>
        {told.total && (
          <Text as="span" numeric>
            {f.money(told.total)}
          </Text>
        )}
      </InlineStack>
      <Text as="span" variant="bodySm" tone="subdued">
        {f.dateTime(entry.at)}
        {told.campaign && told.campaign_id && (
          <>
            {" · "}
            <Link url={`/campaigns/${told.campaign_id}`} monochrome>
              {told.campaign}
            </Link>
          </>
        )}
      </Text>
    </li>
  );
}
