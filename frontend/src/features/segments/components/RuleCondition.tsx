import { Button, Select } from "@shopify/polaris";
import { DeleteIcon } from "@shopify/polaris-icons";
import { useI18n } from "@/i18n/useI18n";
import { type Condition, newCondition, remove, update, withOperator } from "@/lib/rules";
import { fieldLabel } from "@/lib/ruleWords";
import type { RuleProps } from "./RuleGroup";
import { RuleValue } from "./RuleValue";
import styles from "./segments.module.css";

interface Props extends RuleProps {
  condition: Condition;
}

export function RuleCondition({ condition, root, setRoot, groups, fields, complaints, incomplete }: Props) {
  const { t } = useI18n();
  const field = fields.get(condition.field);
  const change = (next: Condition) => setRoot(update(root, condition.id, () => next));
  const error =
    complaints.get(condition.id) ?? (incomplete.has(condition.id) ? t("rules.value_missing") : undefined);

  function chooseField(key: string) {
    const chosen = fields.get(key);
    if (chosen) change({ ...newCondition(chosen), id: condition.id });
  }

  return (
    <div className={styles.condition}>
      <Select
        label={t("rules.field")}
        labelHidden
        options={groups.map((group) => ({
          title: t.code("field_group", group.key),
          options: group.fields.map((one) => ({ value: one.key, label: fieldLabel(t, one.key) })),
        }))}
        value={condition.field}
        onChange={chooseField}
      />
      <Select
        label={t("rules.operator")}
        labelHidden
        options={(field?.operators ?? [condition.operator]).map((operator) => ({
          value: operator,
          label: t.code("operator", operator),
        }))}
        value={condition.operator}
        onChange={(operator) => change(withOperator(condition, operator, field))}
      />
      <RuleValue
        condition={condition}
        field={field}
        error={error}
        onChange={(values) => change({ ...condition, values })}
      />
      <Button
        icon={DeleteIcon}
        variant="tertiary"
        onClick={() => setRoot(remove(root, condition.id))}
        accessibilityLabel={t("rules.remove_condition", { field: fieldLabel(t, condition.field) })}
      />
    </div>
  );
}
