import { BlockStack, Layout } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion, TilesSkeleton } from "@/components/Skeletons";
import { Stat, StatRow } from "@/components/Stat";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import { type CustomerDetail, customerQuery } from "../api";
import { PrivacyCard } from "../components/PrivacyCard";
import { ConsentCard, ProfileCard, SegmentsCard, TagsCard } from "../components/ProfileCards";
import { StoreCreditCard } from "../components/StoreCreditCard";
import { Timeline } from "../components/Timeline";

/** One person: what they bought, what they agreed to, what happened, and what can be done for them. */
export function CustomerPage() {
  const { t } = useI18n();
  const { customerId = "" } = useParams();
  const query = useQuery(customerQuery(customerId));
  const name = query.data?.name;
  return (
    <Page
      title={name || t("customers.one")}
      {...(query.data?.email && query.data.email !== name ? { subtitle: query.data.email } : {})}
      backAction={{ content: t("nav.customers"), url: "/customers" }}
    >
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <BlockStack gap="400">
              <TilesSkeleton count={4} />
              <CardSkeleton lines={8} />
            </BlockStack>
          </LoadingRegion>
        }
      >
        {(customer) => <Content customer={customer} />}
      </QueryView>
    </Page>
  );
}

function Content({ customer }: { customer: CustomerDetail }) {
  const { t, f } = useI18n();
  const mayManage = useMay("manage");
  const last = customer.last_order_at;
  return (
    <BlockStack gap="400">
      <StatRow count={4}>
        <Stat label={t("customers.column.spent")} value={f.money(customer.total_spent)} />
        <Stat label={t("customers.column.orders")} value={f.number(customer.orders_count)} />
        <Stat label={t("customers.average")} value={f.money(customer.average_order)} />
        <Stat label={t("customers.column.last_order")} value={last ? f.date(last) : t("customer.no_order")} />
      </StatRow>
      <Layout>
        <Layout.Section>
          <BlockStack gap="400">
            <Timeline entries={customer.timeline} />
            <StoreCreditCard customer={customer} />
          </BlockStack>
        </Layout.Section>
        <Layout.Section variant="oneThird">
          <BlockStack gap="400">
            <ProfileCard customer={customer} />
            <ConsentCard customer={customer} />
            <SegmentsCard id={customer.id} />
            <TagsCard tags={customer.tags} />
            {mayManage && <PrivacyCard customer={customer} />}
          </BlockStack>
        </Layout.Section>
      </Layout>
    </BlockStack>
  );
}
