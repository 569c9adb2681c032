import { BlockStack, Card, InlineStack, Text } from "@shopify/polaris";
import { useRef } from "react";
import { CodeEditor, type CodeProblem } from "@/components/CodeEditor";
import { useI18n } from "@/i18n/useI18n";
import { type Block, inserted } from "../blocks";
import type { DraftField, SourceField } from "../draft";
import { InsertBlock } from "./InsertBlock";

interface Props {
  field: SourceField;
  source: string;
  problems: readonly CodeProblem[];
  checking: boolean;
  set: (field: DraftField, value: string) => void;
}

export function SourceCard({ field, source, problems, checking, set }: Props) {
  const { t } = useI18n();
  /** Where the caret was last; nobody has put it anywhere yet: the end. */
  const caret = useRef(Number.POSITIVE_INFINITY);
  const verdict = checking
    ? t("source.checking")
    : problems.length > 0
      ? t("source.problems", { count: problems.length })
      : t("source.ok");
  return (
    <Card>
      <BlockStack gap="300">
        <InlineStack align="space-between" blockAlign="center">
          <Text as="h2" variant="headingMd">
            {t("source.title")}
          </Text>
          <Text as="span" variant="bodySm" tone={problems.length > 0 && !checking ? "critical" : "subdued"}>
            {verdict}
          </Text>
        </InlineStack>
        <InsertBlock
          field={field}
          insert={(block: Block) => set(field, inserted(field, source, block, caret.current))}
        />
        <CodeEditor
          onCaret={(offset) => {
            caret.current = offset;
          }}
          label={t(`source.label.${field}`)}
          value={source}
          onChange={(value) => set(field, value)}
          problems={problems}
          placeOf={({ line, column }) => t("source.place", { line: String(line), column: String(column) })}
        />
      </BlockStack>
    </Card>
  );
}
