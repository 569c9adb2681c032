import { BlockStack, Button, Card, Text } from "@shopify/polaris";
import type { UseQueryResult } from "@tanstack/react-query";
import { ErrorState } from "@/components/ErrorState";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { CustomerRow, SegmentPreview } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";
import styles from "./segments.module.css";

interface Props {
  query: UseQueryResult<SegmentPreview>;
  /** The rules on screen are newer than the count. */
  waiting: boolean;
  incomplete: number;
  onWhy: (customer: { id: string; name: string }) => void;
}

/** How many people the rules describe right now, and who some of them are. */
export function Matches({ query, waiting, incomplete, onWhy }: Props) {
  const { t, f } = useI18n();
  const { data, error } = query;
  if (!data && !error) {
    return (
      <LoadingRegion>
        <CardSkeleton lines={6} />
      </LoadingRegion>
    );
  }
  if (!data)
    return <ErrorState error={error} retry={() => void query.refetch()} retrying={query.isFetching} />;
  const share = ratio(data.count, data.total);
  return (
    <div className={styles.matches}>
      <Card>
        <BlockStack gap="300">
          <Text as="h2" variant="headingSm" tone="subdued">
            {t("matches.title")}
          </Text>
          <div
            aria-live="polite"
            className={styles.count}
            data-stale={waiting || query.isFetching || undefined}
          >
            <p className={styles.countFigure}>{t("matches.count", { count: data.count })}</p>
            <Text as="p" tone="subdued">
              {share !== null && t("matches.of", { share: f.percent(share, 1), count: data.total })}
            </Text>
          </div>
          {incomplete > 0 && (
            <Text as="p" tone="caution">
              {t("matches.incomplete", { count: incomplete })}
            </Text>
          )}
          {error && <ErrorState error={error} retry={() => void query.refetch()} stale />}
          {data.unread.length > 0 && (
            <Text as="p" tone="caution">
              {t("matches.unread")}
            </Text>
          )}
          {data.count === 0 && (
            <Text as="p" tone="subdued">
              {t("matches.nobody")}
            </Text>
          )}
          {data.sample.length > 0 && (
            <BlockStack gap="200">
              <Text as="h3" variant="headingSm">
                {t("matches.sample")}
              </Text>
              <ul className={styles.sample}>
                {data.sample.map((customer) => (
                  <SampleRow key={customer.id} customer={customer} onWhy={onWhy} />
                ))}
              </ul>
            </BlockStack>
          )}
          <Text as="p" variant="bodySm" tone="subdued">
            {t("matches.took", { time: f.duration(data.took_ms) })}
          </Text>
        </BlockStack>
      </Card>
    </div>
  );
}

function SampleRow({ customer, onWhy }: { customer: CustomerRow; onWhy: Props["onWhy"] }) {
  const { t, f } = useI18n();
  const name = customer.name || customer.email || t("customer.nameless");
  return (
    <li className={styles.person}>
      <span className={styles.personName}>
        <Text as="span" fontWeight="semibold" truncate>
          {name}
        </Text>
        <Text as="span" variant="bodySm" tone="subdued" truncate>
          {customer.last_order_at
            ? t("customer.last_order", { date: f.date(customer.last_order_at) })
            : t("customer.no_order")}
        </Text>
        <span>
          <Button
            variant="plain"
            size="micro"
            accessibilityLabel={t("why.ask_one", { name })}
            onClick={() => onWhy({ id: customer.id, name })}
          >
            {t("why.ask")}
          </Button>
        </span>
      </span>
      <span className={styles.personFigures}>
        {f.money(customer.total_spent)}
        <Text as="span" variant="bodySm" tone="subdued">
          {t("customer.orders", { count: customer.orders_count })}
        </Text>
      </span>
    </li>
  );
}
