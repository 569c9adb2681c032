import { BlockStack, Card, InlineStack, Text } from "@shopify/polaris";
import { CodeEditor, type CodeProblem } from "@/components/CodeEditor";
import { useI18n } from "@/i18n/useI18n";
import type { DraftField, SourceField } from "../draft";

interface Props {
  field: SourceField;
  source: string;
  problems: readonly CodeProblem[];
  checking: boolean;
  set: (field: DraftField, value: string) => void;
}

export function SourceCard({ field, source, problems, checking, set }: Props) {
  const { t } = useI18n();
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
        <CodeEditor
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
