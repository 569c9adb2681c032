import { BlockStack, Button, Card, InlineGrid, InlineStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { Facts } from "@/components/Facts";
import { JsonCard } from "@/components/JsonCard";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { Stat, StatRow } from "@/components/Stat";
import { useI18n } from "@/i18n/useI18n";
import type { DeadGroupDetail } from "@/lib/api/jobTypes";
import { useMay } from "@/lib/useSession";
import { runQuery } from "../api";
import { Errors } from "../components/Errors";
import { MassModal } from "../components/MassModal";
import { Notes } from "../components/Notes";
import { deadGroupQuery, discardGroup, replayGroup } from "../deadLettersApi";
import { qualifier } from "../search";
import { hrefOf } from "../useRunFilter";
import { jobTitle, shortClass } from "../words";

/** One cause of failure: what it took down, an example, what people found out, and what to do with all of it. */
export function DeadGroupPage() {
  const { t } = useI18n();
  const { fingerprint = "" } = useParams();
  const query = useQuery(deadGroupQuery(fingerprint));
  const mayOperate = useMay("operate");
  const [acting, setActing] = useState<"retry" | "discard" | null>(null);
  const group = query.data;
  return (
    <Page
      title={group ? shortClass(group.error_class) : t("dead.group")}
      subtitle={group ? jobTitle(t, group) : undefined}
      backAction={{ content: t("tasks_nav.dead_letters"), url: "/tasks/dead-letters" }}
      fullWidth
      {...(group && mayOperate
        ? {
            primaryAction: { content: t("dead.replay"), onAction: () => setActing("retry") },
            secondaryActions: [
              { content: t("dead.discard"), destructive: true, onAction: () => setActing("discard") },
            ],
          }
        : {})}
    >
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={8} />
          </LoadingRegion>
        }
      >
        {(data) => <Content group={data} />}
      </QueryView>
      {acting && group && (
        <MassModal
          action={acting}
          title={t(acting === "retry" ? "dead.replay_title" : "dead.discard_title")}
          subject={fingerprint}
          about={
            <Text as="p">
              {t(acting === "retry" ? "dead.replay_body" : "dead.discard_body", {
                error: shortClass(group.error_class),
              })}
            </Text>
          }
          withRate={acting === "retry"}
          run={(input) => (acting === "retry" ? replayGroup : discardGroup)(fingerprint, input)}
          onClose={() => setActing(null)}
        />
      )}
    </Page>
  );
}

function Content({ group }: { group: DeadGroupDetail }) {
  const { t, f } = useI18n();
  return (
    <BlockStack gap="400">
      <StatRow count={4}>
        <Stat label={t("dead.column.count")} value={f.number(group.count)} />
        <Stat label={t("dead.column.shops")} value={f.number(group.shops)} />
        <Stat
          label={t("dead.column.first")}
          value={f.relative(group.first_at)}
          detail={f.dateTime(group.first_at)}
        />
        <Stat
          label={t("dead.column.last")}
          value={f.relative(group.last_at)}
          detail={f.dateTime(group.last_at)}
        />
      </StatRow>
      <InlineGrid columns={{ xs: 1, lg: ["twoThirds", "oneThird"] }} gap="400" alignItems="start">
        <BlockStack gap="400">
          <Card>
            <BlockStack gap="300">
              <Text as="h2" variant="headingMd">
                {t("dead.message")}
              </Text>
              <Text as="p" breakWord>
                {group.message}
              </Text>
              <Facts
                facts={[
                  [t("dead.class"), <code key="class">{group.error_class}</code>],
                  [t("task.job"), <code key="job">{group.name}</code>],
                  [t("dead.fingerprint"), <code key="fingerprint">{group.fingerprint}</code>],
                ]}
              />
              <InlineStack gap="200">
                <Button url={hrefOf({ state: "dead", q: qualifier("fingerprint", group.fingerprint) })}>
                  {t("dead.show_runs")}
                </Button>
                <Button url={`/tasks/${group.sample_job_id}`}>{t("dead.open_sample")}</Button>
              </InlineStack>
            </BlockStack>
          </Card>
          <Sample id={group.sample_job_id} />
        </BlockStack>
        <Notes fingerprint={group.fingerprint} />
      </InlineGrid>
    </BlockStack>
  );
}

function Sample({ id }: { id: string }) {
  const { t } = useI18n();
  const query = useQuery({ ...runQuery(id), refetchInterval: false });
  return (
    <QueryView
      query={query}
      skeleton={
        <LoadingRegion>
          <CardSkeleton lines={4} />
        </LoadingRegion>
      }
    >
      {(run) => (
        <>
          <Errors run={run} />
          <JsonCard title={t("dead.sample_args")} value={run.args} help={t("task.args_help")} />
        </>
      )}
    </QueryView>
  );
}
