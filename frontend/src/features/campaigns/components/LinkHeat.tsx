import { Box, Card, Select, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { MessageFrame } from "@/components/MessageFrame";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { Report } from "@/lib/api/types";
import { heated } from "../heat";
import { reportMessageQuery, reportVersionsQuery } from "../reportApi";
import { useVersionName } from "../versionNames";
import styles from "./LinkHeat.module.css";

const DESKTOP_PX = 680;

/** Where people clicked, on the message itself: the more clicks, the stronger the colour. */
export function LinkHeat({ campaignId, report }: { campaignId: string; report: Report }) {
  const { t, f } = useI18n();
  const nameOf = useVersionName();
  const [version, setVersion] = useState(0);
  const versions = useQuery(reportVersionsQuery(campaignId, report.state)).data ?? [];
  const tested = versions.some((one) => one.number > 0 && !one.locale);
  const query = useQuery(reportMessageQuery(campaignId, version));
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
        {versions.length > 0 && (
          <Box paddingBlockStart="200">
            <Select
              label={t("versions.column.version")}
              options={versions.map((one) => ({ value: String(one.number), label: nameOf(one, tested) }))}
              value={String(version)}
              onChange={(value) => setVersion(Number(value))}
            />
          </Box>
        )}
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
