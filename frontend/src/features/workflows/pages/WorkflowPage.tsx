import { BlockStack, Box, Card, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useParams, useSearchParams } from "react-router";
import { ActModal } from "@/components/ActModal";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import type { Translate } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import { useActor } from "@/lib/useActor";
import { useMay } from "@/lib/useSession";
import { useToast } from "@/lib/useToast";
import {
  useWorkflowAction,
  type Workflow,
  type WorkflowAction,
  type WorkflowNode,
  type WorkflowState,
  workflowQuery,
} from "../api";
import { Graph } from "../components/Graph";
import { NodeDetails } from "../components/NodeDetails";

/** What may be done in each state; the first is the page's main button. */
const ACTIONS: Record<WorkflowState, readonly WorkflowAction[]> = {
  running: ["pause", "cancel"],
  paused: ["resume", "cancel"],
  failed: ["retry"],
  cancelled: ["retry"],
  succeeded: [],
};

export function WorkflowPage() {
  const { t } = useI18n();
  const { workflowId = "" } = useParams();
  const query = useQuery(workflowQuery(workflowId));
  const act = useWorkflowAction(workflowId);
  const toast = useToast();
  const mayOperate = useMay("operate");
  const [isCancelling, setCancelling] = useState(false);
  const workflow = query.data;
  const actions = workflow && mayOperate ? ACTIONS[workflow.state] : [];

  const run = (action: WorkflowAction) =>
    act.mutate(action, {
      onSuccess: () => {
        setCancelling(false);
        toast(t(`workflows.did.${action}`));
      },
    });
  const button = (action: WorkflowAction) => ({
    content: t(`workflows.action.${action}`),
    loading: act.isPending && act.variables === action,
    destructive: action === "cancel",
    onAction: () => (action === "cancel" ? setCancelling(true) : run(action)),
  });
  const [first, ...others] = actions;

  return (
    <Page
      title={workflow ? t.code("workflow", workflow.name, {}, workflow.name) : t("workflows.one")}
      titleMetadata={workflow ? <StateBadge state={workflow.state} /> : undefined}
      backAction={{ content: t("workflows.title"), url: "/tasks/workflows" }}
      fullWidth
      {...(first ? { primaryAction: button(first) } : {})}
      secondaryActions={others.map(button)}
    >
      <BlockStack gap="400">
        {act.error && !isCancelling && <ErrorState error={act.error} title={t("act.refused")} />}
        <QueryView
          query={query}
          skeleton={
            <LoadingRegion>
              <CardSkeleton lines={10} />
            </LoadingRegion>
          }
        >
          {(data) => <Content workflow={data} />}
        </QueryView>
      </BlockStack>
      {workflow && isCancelling && (
        <ActModal
          title={t("workflows.cancel_title", { name: workflow.name })}
          consequence={t("workflows.cancel_body", {
            count: workflow.nodes.filter((node) => node.state === "running").length,
          })}
          action={t("workflows.action.cancel")}
          destructive
          error={act.error}
          isPending={act.isPending}
          onAct={() => run("cancel")}
          onClose={() => setCancelling(false)}
        />
      )}
    </Page>
  );
}

function detailOf(node: WorkflowNode, t: Translate): string {
  const { batch } = node;
  if (batch && batch.total > 1) {
    const over = batch.succeeded + batch.dead + batch.cancelled;
    return batch.dead > 0
      ? t("workflows.detail.failed", { done: over, total: batch.total, failed: batch.dead })
      : t("progress.count", { done: over, total: batch.total });
  }
  return node.tries > 1 ? t("workflows.detail.try", { tries: node.tries, most: node.retries + 1 }) : "";
}

/** Where a reader would look first: what failed, then what runs, then what comes next. */
function mostTelling(nodes: readonly WorkflowNode[]): WorkflowNode | undefined {
  return (
    nodes.find((node) => node.state === "failed") ??
    nodes.find((node) => node.state === "running") ??
    nodes.find((node) => node.state === "waiting") ??
    nodes[nodes.length - 1]
  );
}

function sentenceOf(workflow: Workflow, t: Translate): string {
  const failed = workflow.nodes.find((node) => node.state === "failed");
  if (failed) return t("workflows.finding.failed", { key: failed.key });
  return t(`workflows.finding.${workflow.state}`, {
    done: workflow.nodes_done,
    total: workflow.nodes_total,
  });
}

function Content({ workflow }: { workflow: Workflow }) {
  const { t, f } = useI18n();
  const actor = useActor();
  const [params] = useSearchParams();
  const chosen =
    workflow.nodes.find((node) => node.key === params.get("node")) ?? mostTelling(workflow.nodes);
  const hasFailed = workflow.nodes.some((node) => node.state === "failed");
  const took = Date.parse(workflow.finished_at ?? new Date().toISOString()) - Date.parse(workflow.created_at);
  return (
    <BlockStack gap="400">
      <div aria-live="polite">
        <Box paddingInline={{ xs: "400", sm: "0" }}>
          <Text as="h2" variant="headingLg" {...(hasFailed ? { tone: "critical" as const } : {})}>
            {sentenceOf(workflow, t)}
          </Text>
          <Text as="p" tone="subdued">
            {[
              workflow.shop_domain,
              t("workflows.by", {
                who: actor(workflow.created_by, "by"),
                at: f.dateTime(workflow.created_at),
              }),
              t(workflow.finished_at ? "workflows.took" : "workflows.for", { time: f.duration(took) }),
            ]
              .filter(Boolean)
              .join(" · ")}
          </Text>
        </Box>
      </div>
      <Card>
        <Graph
          label={t("workflows.graph")}
          selected={chosen?.key ?? null}
          hrefOf={(key) => `?node=${encodeURIComponent(key)}`}
          steps={workflow.nodes.map((node) => ({
            key: node.key,
            needs: node.needs,
            state: node.state,
            title: t.code("jobs", node.job_name),
            detail: detailOf(node, t),
          }))}
        />
      </Card>
      {chosen && <NodeDetails node={chosen} />}
    </BlockStack>
  );
}
