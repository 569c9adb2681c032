import { BlockStack, Card, InlineStack, Link, Tag, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorState } from "@/components/ErrorState";
import { Facts } from "@/components/Facts";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { Rules } from "@/lib/rules";
import { inWords } from "@/lib/ruleWords";
import { type CustomerDetail, segmentsOfQuery } from "../api";
import { ConsentBadge } from "./ConsentBadge";

function Titled({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingMd">
          {title}
        </Text>
        {children}
      </BlockStack>
    </Card>
  );
}

export function ProfileCard({ customer }: { customer: CustomerDetail }) {
  const { t, f } = useI18n();
  const scores = [customer.rfm_recency, customer.rfm_frequency, customer.rfm_monetary];
  return (
    <Titled title={t("customers.profile")}>
      <Facts
        facts={[
          [t("customers.email"), customer.email ?? "–"],
          [t("customers.phone"), customer.phone ?? "–"],
          [t("customers.column.place"), f.place(customer.city, customer.country) || "–"],
          [t("customers.language"), customer.locale ? f.language(customer.locale) : "–"],
          [t("customers.since"), customer.created_at ? f.date(customer.created_at) : "–"],
          ...(scores.every((score) => score !== null)
            ? ([[t("customers.rfm"), scores.join(" · ")]] as const)
            : []),
          ...(customer.lifetime_orders_count != null && customer.lifetime_spent
            ? ([
                [
                  t("customers.lifetime"),
                  t("customers.lifetime_figures", {
                    count: customer.lifetime_orders_count,
                    spent: f.money(customer.lifetime_spent),
                  }),
                ],
              ] as const)
            : []),
        ]}
      />
    </Titled>
  );
}

/** What they agreed to or refused on each channel, since when, and how Shopify says that it was given. */
export function ConsentCard({ customer }: { customer: CustomerDetail }) {
  const { t } = useI18n();
  return (
    <Titled title={t("customers.consent")}>
      <Consent
        channel={t("customers.channel.email")}
        state={customer.email_subscription}
        level={customer.email_opt_in_level}
        at={customer.email_consent_at}
      />
      <Consent
        channel={t("customers.channel.sms")}
        state={customer.sms_subscription ?? "not_subscribed"}
        level={customer.sms_opt_in_level}
        at={customer.sms_consent_at}
      />
    </Titled>
  );
}

interface ConsentProps {
  channel: string;
  state: string;
  level: string | null;
  at: string | null;
}

function Consent({ channel, state, level, at }: ConsentProps) {
  const { t } = useI18n();
  return (
    <BlockStack gap="050">
      <InlineStack align="space-between" blockAlign="center">
        <Text as="span">{channel}</Text>
        <ConsentBadge state={state} />
      </InlineStack>
      <Text as="span" variant="bodySm" tone="subdued">
        {at ? (
          <>
            {t("customers.consent_told")} <TimeAgo at={at} />
            {level && ` · ${t.code("opt_in", level)}`}
          </>
        ) : (
          t("customers.consent_never")
        )}
      </Text>
    </BlockStack>
  );
}

export function TagsCard({ tags }: { tags: readonly string[] }) {
  const { t } = useI18n();
  return (
    <Titled title={t("customers.tags")}>
      {tags.length === 0 ? (
        <Text as="p" tone="subdued">
          {t("customers.no_tags")}
        </Text>
      ) : (
        <InlineStack gap="100">
          {tags.map((tag) => (
            <Tag key={tag}>{tag}</Tag>
          ))}
        </InlineStack>
      )}
    </Titled>
  );
}

/** The segments that hold the person now; the rules are the reason. */
export function SegmentsCard({ id }: { id: string }) {
  const { t } = useI18n();
  const query = useQuery(segmentsOfQuery(id));
  if (query.isPending) {
    return (
      <LoadingRegion>
        <CardSkeleton lines={3} />
      </LoadingRegion>
    );
  }
  return (
    <Titled title={t("nav.segments")}>
      {query.error ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} retrying={query.isFetching} />
      ) : query.data.length === 0 ? (
        <Text as="p" tone="subdued">
          {t("customers.no_segments")}
        </Text>
      ) : (
        <ul className="sc-plain-list">
          {query.data.map((segment) => (
            <li key={segment.id}>
              <Link url={`/segments/${segment.id}`}>{segment.name}</Link>
              <Text as="p" variant="bodySm" tone="subdued">
                {t("customers.because", { rules: inWords(t, segment.rules as unknown as Rules) })}
              </Text>
            </li>
          ))}
        </ul>
      )}
    </Titled>
  );
}
