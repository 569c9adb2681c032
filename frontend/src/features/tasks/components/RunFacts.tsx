import { BlockStack, Card, InlineStack, Link, Tag, Text } from "@shopify/polaris";
import { Facts } from "@/components/Facts";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { JobDetail } from "@/lib/api/jobTypes";
import { qualifier } from "../search";
import { hrefOf } from "../useRunFilter";

/** What there is to know about a run; what others share with it leads to those others. */
export function RunFacts({ run }: { run: JobDetail }) {
  const { t, f } = useI18n();
  const found = (name: string, value: string, words = value) => (
    <Link url={hrefOf({ state: "", q: qualifier(name, value) })}>{words}</Link>
  );
  const other = (id: string) => (
    <Link url={`/tasks/${id}`}>
      <code>{id}</code>
    </Link>
  );
  const facts: [string, React.ReactNode][] = [
    [t("task.job"), found("name", run.name)],
    [t("task.id"), <code key="id">{run.id}</code>],
    [t("task.shop"), run.shop_domain ? found("shop", run.shop_domain) : t("runs.platform")],
    [t("task.queue"), t("task.queue_value", { queue: run.queue, priority: run.priority })],
    [t("task.enqueued"), <TimeAgo key="enqueued" at={run.enqueued_at} />],
    [t("task.waited"), run.wait_ms === null ? "–" : f.duration(run.wait_ms)],
    [t("task.ran"), run.run_ms === null ? "–" : f.duration(run.run_ms)],
    [t("task.usual"), run.usual_run_ms === null ? "–" : f.duration(run.usual_run_ms)],
    [t("task.worker"), run.worker ? found("worker", run.worker) : "–"],
    [t("task.request_id"), run.request_id ? <code key="request">{run.request_id}</code> : "–"],
  ];
  if (run.parent_id) facts.push([t("task.parent"), other(run.parent_id)]);
  if (run.root_id && run.root_id !== run.id) {
    facts.push([t("task.root"), found("root", run.root_id, t("task.all_of_root"))]);
  }
  if (run.batch_id) facts.push([t("task.batch"), found("batch", run.batch_id, t("task.all_of_batch"))]);
  if (run.retried_as) facts.push([t("task.retried_as"), other(run.retried_as)]);
  if (run.discarded_at) facts.push([t("task.discarded"), <TimeAgo key="discarded" at={run.discarded_at} />]);
  if (run.trace_url) {
    facts.push([
      t("task.trace"),
      <Link key="trace" url={run.trace_url} external>
        {t("task.open_trace")}
      </Link>,
    ]);
  }
  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingMd">
          {t("task.facts")}
        </Text>
        <Facts facts={facts} />
        {run.tags.length > 0 && (
          <InlineStack gap="100">
            {run.tags.map((tag) => (
              <Tag key={tag} url={hrefOf({ state: "", q: qualifier("tag", tag) })}>
                {tag}
              </Tag>
            ))}
          </InlineStack>
        )}
      </BlockStack>
    </Card>
  );
}
