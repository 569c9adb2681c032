import { BlockStack, Box, Card, InlineGrid, InlineStack, Link as PolarisLink, Text } from "@shopify/polaris";
import type { ReactNode } from "react";
import { Facts } from "@/components/Facts";
import { Progress } from "@/components/Progress";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { WorkflowNode } from "../api";
import { NodeMark } from "./NodeMark";

function Json({ label, value }: { label: string; value: unknown }) {
  return (
    <BlockStack gap="100">
      <Text as="h3" variant="headingSm">
        {label}
      </Text>
      <Box overflowX="scroll">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre tabIndex={0}>
          <code>{JSON.stringify(value, null, 2)}</code>
        </pre>
      </Box>
    </BlockStack>
  );
}

function isEmpty(value: object | null | undefined): boolean {
  return value == null || Object.keys(value).length === 0;
}

/** One step: what it was given, what it waits for, what became of it. */
export function NodeDetails({ node }: { node: WorkflowNode }) {
  const { t, f } = useI18n();
  const { batch, condition, fan_out: fanOut } = node;
  const over = batch ? batch.succeeded + batch.dead + batch.cancelled : 0;
  const took =
    node.started_at && node.finished_at ? Date.parse(node.finished_at) - Date.parse(node.started_at) : null;
  const facts: [string, ReactNode][] = [
    [t("workflows.node.job"), <code key="job">{node.job_name}</code>],
    [t("workflows.node.needs"), node.needs.join(", ") || "–"],
    [t("workflows.node.tries"), t("workflows.node.tries_of", { tries: node.tries, most: node.retries + 1 })],
    [t("workflows.node.started"), <TimeAgo key="started" at={node.started_at} />],
    [t("workflows.node.took"), took === null ? "–" : f.duration(took)],
  ];
  if (condition) {
    facts.push([
      t("workflows.node.condition"),
      <code key="condition">
        {[
          `${condition.node}.${condition.field}`,
          t.code("condition_op", String(condition.op)),
          condition.value === undefined || condition.value === null ? "" : JSON.stringify(condition.value),
        ].join(" ")}
      </code>,
    ]);
  }
  if (fanOut) {
    facts.push([t("workflows.node.fan_out"), <code key="fan_out">{`${fanOut.over} → ${fanOut.as}`}</code>]);
  }
  return (
    <Card>
      <BlockStack gap="400">
        <InlineStack gap="200" blockAlign="center" wrap={false}>
          <NodeMark state={node.state} />
          <BlockStack>
            <Text as="h2" variant="headingMd">
              {node.key}
            </Text>
            <Text as="p" variant="bodySm" tone="subdued">
              {t("workflows.node.is", {
                state: t(`node_state.${node.state}`),
                title: t.code("jobs", node.job_name),
              })}
            </Text>
          </BlockStack>
        </InlineStack>
        {node.error && (
          <Text as="p" tone="critical">
            {node.error}
          </Text>
        )}
        {batch && batch.total > 0 && (
          <Progress
            label={t("workflows.node.jobs", { count: batch.total })}
            done={over}
            total={batch.total}
            tone={batch.dead > 0 ? "failed" : "running"}
            text={t("workflows.node.batch", {
              succeeded: batch.succeeded,
              dead: batch.dead,
              cancelled: batch.cancelled,
              total: batch.total,
            })}
          />
        )}
        <InlineGrid columns={{ xs: 1, md: 2 }} gap="600" alignItems="start">
          <Facts facts={facts} />
          <BlockStack gap="400">
            {!isEmpty(node.args) && <Json label={t("workflows.node.args")} value={node.args} />}
            {!isEmpty(node.result) && <Json label={t("workflows.node.result")} value={node.result} />}
            {node.job_ids.length > 0 && (
              <BlockStack gap="100">
                <Text as="h3" variant="headingSm">
                  {t("workflows.node.runs")}
                </Text>
                {node.job_ids.map((id, index) => (
                  <PolarisLink key={id} url={`/tasks/${id}`} removeUnderline>
                    {t("workflows.node.run", { number: index + 1, id: id.slice(-12) })}
                  </PolarisLink>
                ))}
              </BlockStack>
            )}
          </BlockStack>
        </InlineGrid>
      </BlockStack>
    </Card>
  );
}
