import { BlockStack, Card, InlineStack, Link, Text } from "@shopify/polaris";
import { Facts } from "@/components/Facts";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";
import { ratio } from "@/lib/ratio";

/** What the messages' discount codes brought: the one proof of a sale that needs no guess. */
export function CodesReport({ codes }: { codes: NonNullable<Report["codes"]> }) {
  const { t, f } = useI18n();
  const share = ratio(codes.redeemed, codes.sent);
  return (
    <Card>
      <BlockStack gap="300">
        <InlineStack align="space-between" blockAlign="center" gap="200">
          <Text as="h2" variant="headingMd">
            {t("report.codes.title", { count: codes.redeemed, sent: codes.sent })}
          </Text>
          <Link url={`/campaigns/discounts/${codes.discount_id}`}>{codes.title}</Link>
        </InlineStack>
        <Facts
          facts={[
            [t("report.codes.sent"), f.number(codes.sent)],
            [
              t("report.codes.redeemed"),
              share === null ? f.number(codes.redeemed) : `${f.number(codes.redeemed)} (${f.percent(share)})`,
            ],
            [t("report.codes.revenue"), f.money(codes.revenue)],
          ]}
        />
        <Text as="p" variant="bodySm" tone="subdued">
          {t("report.codes.why")}
        </Text>
      </BlockStack>
    </Card>
  );
}
