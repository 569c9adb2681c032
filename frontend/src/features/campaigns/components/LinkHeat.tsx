import { Box, Card, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { MessageFrame } from "@/components/MessageFrame";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";
import { heated } from "../heat";
import { reportMessageQuery } from "../reportApi";
import styles from "./LinkHeat.module.css";

const DESKTOP_PX = 680;

/** Where people clicked, on the message itself: the more clicks, the stronger the colour. */
export function LinkHeat({ campaignId, report }: { campaignId: string; report: Report }) {
  const { t, f } = useI18n();
  const query = useQuery(reportMessageQuery(campaignId));
  const clicks = report.links.reduce((sum, link) => sum + link.clicks, 0);
  const title = clicks === 0 ? t("report.heat.nothing") : t("report.heat.title", { count: clicks });
  const message = query.data?.html;
  const html = useMemo(
    () => (message === undefined ? "" : heated(message, report.links, f.number)),
    [message, report.links, f],
  );
  return (
    <Card padding="0">
      <Box padding="400" paddingBlockEnd="300">
        <Text as="h2" variant="headingMd">
          {title}
        </Text>
        <Text as="p" variant="bodySm" tone="subdued">
          {t("report.heat.subtitle")}
        </Text>
      </Box>
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={10} />
          </LoadingRegion>
        }
      >
        {() => (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard as well
          <section className={styles.stage} aria-label={title} tabIndex={0}>
            <MessageFrame html={html} title={t("report.heat.frame")} width={DESKTOP_PX} />
          </section>
        )}
      </QueryView>
    </Card>
  );
}
