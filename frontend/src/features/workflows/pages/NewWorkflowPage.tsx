import { BlockStack, Box, Card, InlineGrid, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { flushSync } from "react-dom";
import { useNavigate } from "react-router";
import { CodeEditor } from "@/components/CodeEditor";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { SaveBar } from "@/components/SaveBar";
import { useI18n } from "@/i18n/useI18n";
import { ApiError, type FieldProblem } from "@/lib/api/errors";
import { useDebounced } from "@/lib/useDebounced";
import { checkQuery, type Definition, useCreateWorkflow } from "../api";
import { Graph } from "../components/Graph";
import { PartsCard } from "../components/PartsCard";
import { EXAMPLE, readDefinition, stepsOf } from "../definition";
import { placeOfPointer } from "../pointer";

const TYPING_MS = 400;

/** A workflow from JSON: judged while it is typed, each problem at its place, the graph beside it. */
export function NewWorkflowPage() {
  const { t } = useI18n();
  const navigate = useNavigate();
  const [text, setText] = useState(EXAMPLE);
  const [isDone, setDone] = useState(false);
  const settled = useDebounced(text, TYPING_MS);
  const typed = useMemo(() => readDefinition(text), [text]);
  const judged = useMemo(() => readDefinition(settled), [settled]);
  const check = useQuery({
    ...checkQuery(judged.definition ?? {}),
    enabled: judged.definition !== null,
  });
  const create = useCreateWorkflow();

  const refused = create.error instanceof ApiError ? create.error.fields : [];
  const told: readonly FieldProblem[] = check.data && settled === text ? check.data.errors : refused;
  const problems = typed.problem
    ? [typed.problem]
    : told.map((problem) => ({ ...placeOfPointer(text, problem.pointer), message: problem.message }));
  const steps = stepsOf(typed.definition, (name) => t.code("jobs", name));

  function start(definition: Definition | null) {
    if (!definition) return;
    create.mutate(definition, {
      onSuccess: (workflow) => {
        // Nothing is unsaved any more, and the guard must know it before the page is left.
        flushSync(() => setDone(true));
        void navigate(`/tasks/workflows/${workflow.id}`);
      },
    });
  }

  return (
    <Page
      title={t("workflows.new")}
      subtitle={t("workflows.new_subtitle")}
      backAction={{ content: t("workflows.title"), url: "/tasks/workflows" }}
      fullWidth
      primaryAction={{
        content: t("workflows.start"),
        disabled: typed.definition === null || problems.length > 0,
        loading: create.isPending,
        onAction: () => start(typed.definition),
      }}
    >
      <BlockStack gap="400">
        <SaveBar
          dirty={text !== EXAMPLE && !isDone}
          saving={create.isPending}
          onSave={() => start(typed.definition)}
          onDiscard={() => {
            setText(EXAMPLE);
            create.reset();
          }}
        />
        {create.error && refused.length === 0 && (
          <ErrorState error={create.error} title={t("workflows.not_started")} />
        )}
        {check.error && (
          <ErrorState error={check.error} retry={() => void check.refetch()} retrying={check.isFetching} />
        )}
        <InlineGrid columns={{ xs: 1, lg: ["twoThirds", "oneThird"] }} gap="400" alignItems="start">
          <BlockStack gap="400">
            <Card>
              <BlockStack gap="200">
                <CodeEditor
                  label={t("workflows.definition")}
                  value={text}
                  onChange={(value) => {
                    setText(value);
                    create.reset();
                  }}
                  problems={problems}
                  placeOf={({ line, column }) => t("workflows.place", { line, column })}
                />
                <Box minHeight="20px">
                  {check.data?.ok && problems.length === 0 && settled === text && (
                    <Text as="p" tone="success">
                      {t("workflows.valid", { count: steps.length })}
                    </Text>
                  )}
                </Box>
              </BlockStack>
            </Card>
            {steps.length > 0 && (
              <Card>
                <Graph label={t("workflows.preview")} steps={steps} selected={null} hrefOf={() => "#"} />
              </Card>
            )}
          </BlockStack>
          <PartsCard />
        </InlineGrid>
      </BlockStack>
    </Page>
  );
}
