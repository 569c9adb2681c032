import { ChoiceList, InlineStack, Select, Text, TextField } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { FieldInfo } from "@/lib/api/types";
import { type ChoiceKind, type Condition, valueKind } from "@/lib/rules";
import { fieldLabel } from "@/lib/ruleWords";
import { ChoicePicker } from "./ChoicePicker";
import { HappeningValue } from "./HappeningValue";

interface Props {
  condition: Condition;
  field: FieldInfo | undefined;
  error: string | undefined;
  onChange: (values: string[]) => void;
}

/** The control that fits the field and operator; its label is heard, not seen. */
export function RuleValue({ condition, field, error, onChange }: Props) {
  const { t, f } = useI18n();
  const kind = valueKind(field, condition.operator);
  const label = t("rules.value_of", { field: fieldLabel(t, condition.field) });
  const [first = "", second = ""] = condition.values;
  const options = (field?.options ?? []).map((option) => ({
    value: option,
    label: t.code("option", option),
  }));
  const money = field?.type === "money";
  const number = {
    type: "number" as const,
    autoComplete: "off",
    labelHidden: true,
    ...(money ? { prefix: f.currency, step: 0.01 } : {}),
  };

  switch (kind) {
    case "none":
      return (
        <Text as="span" tone="critical">
          {error}
        </Text>
      );
    case "range":
      return (
        <InlineStack gap="200" wrap={false} blockAlign="center">
          <TextField
            {...number}
            label={`${label} (${t("rules.from")})`}
            value={first}
            error={error}
            onChange={(value) => onChange([value, second])}
          />
          <Text as="span">–</Text>
          <TextField
            {...number}
            label={`${label} (${t("rules.to")})`}
            value={second}
            onChange={(value) => onChange([first, value])}
          />
        </InlineStack>
      );
    case "options":
      return (
        <ChoiceList
          title={label}
          titleHidden
          allowMultiple
          choices={options}
          selected={condition.values}
          error={error}
          onChange={onChange}
        />
      );
    case "option":
      return (
        <Select
          label={label}
          labelHidden
          options={[{ value: "", label: t("rules.choose"), disabled: true }, ...options]}
          value={first}
          error={error}
          onChange={(value) => onChange([value])}
        />
      );
    case "member":
      return (
        <ChoicePicker
          label={label}
          kind={field?.type as ChoiceKind}
          value={first}
          error={error}
          onChange={(id) => onChange([id])}
        />
      );
    case "happening":
      return (
        <HappeningValue
          values={condition.values}
          subjects={field?.subjects ?? []}
          label={label}
          error={error}
          onChange={onChange}
        />
      );
    case "date":
      return (
        <TextField
          label={label}
          labelHidden
          type="date"
          autoComplete="off"
          value={first}
          error={error}
          onChange={(value) => onChange([value])}
        />
      );
    case "days":
      return (
        <TextField
          {...number}
          label={label}
          min={1}
          suffix={t("rules.days_unit", { count: Number(first) })}
          value={first}
          error={error}
          onChange={(value) => onChange([value])}
        />
      );
    case "number":
    case "amount":
      return (
        <TextField
          {...number}
          label={label}
          value={first}
          error={error}
          onChange={(value) => onChange([value])}
        />
      );
    default:
      return (
        <TextField
          label={label}
          labelHidden
          autoComplete="off"
          value={first}
          error={error}
          onChange={(value) => onChange([value])}
        />
      );
  }
}
