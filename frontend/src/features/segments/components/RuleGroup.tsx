import { Button, InlineStack, Select } from "@shopify/polaris";
import { DeleteIcon, PlusIcon } from "@shopify/polaris-icons";
import { useI18n } from "@/i18n/useI18n";
import type { FieldGroup } from "@/lib/api/types";
import {
  append,
  type FieldsByKey,
  type Group,
  type Mode,
  newCondition,
  newGroup,
  remove,
  update,
} from "@/lib/rules";
import { RuleCondition } from "./RuleCondition";
import styles from "./segments.module.css";

const MODES: readonly Mode[] = ["all", "any", "none", "not_all"];

/** The API takes six levels; four are what a person can still read, and a "none" group costs two. */
const DEEPEST = 3;

export interface RuleProps {
  root: Group;
  setRoot: (root: Group) => void;
  groups: readonly FieldGroup[];
  fields: FieldsByKey;
  /** What the API said about a condition. */
  complaints: ReadonlyMap<string, string>;
  incomplete: ReadonlySet<string>;
}

interface Props extends RuleProps {
  group: Group;
  depth: number;
}

export function RuleGroup({ group, depth, ...shared }: Props) {
  const { t } = useI18n();
  const { root, setRoot, groups } = shared;
  const firstField = groups[0]?.fields[0];

  function addCondition() {
    if (firstField) setRoot(append(root, group.id, newCondition(firstField)));
  }

  function addGroup() {
    if (firstField) setRoot(append(root, group.id, newGroup("any", [newCondition(firstField)])));
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out as these nested boxes are
    <div role="group" aria-label={t(`rules.mode.${group.mode}`)} className={styles.group} data-depth={depth}>
      <InlineStack gap="200" blockAlign="center" align="space-between" wrap={false}>
        <InlineStack gap="200" blockAlign="center">
          <Select
            label={t("rules.mode")}
            labelHidden
            options={MODES.map((mode) => ({ value: mode, label: t(`rules.mode.${mode}`) }))}
            value={group.mode}
            onChange={(mode) =>
              setRoot(update(root, group.id, (node) => ({ ...node, mode: mode as Mode }) as Group))
            }
          />
        </InlineStack>
        {depth > 0 && (
          <Button
            icon={DeleteIcon}
            variant="tertiary"
            onClick={() => setRoot(remove(root, group.id))}
            accessibilityLabel={t("rules.remove_group")}
          />
        )}
      </InlineStack>
      {group.children.map((child) =>
        child.kind === "group" ? (
          <RuleGroup key={child.id} group={child} depth={depth + 1} {...shared} />
        ) : (
          <RuleCondition key={child.id} condition={child} {...shared} />
        ),
      )}
      <InlineStack gap="200">
        <Button icon={PlusIcon} onClick={addCondition}>
          {t("rules.add_condition")}
        </Button>
        {depth < DEEPEST && (
          <Button icon={PlusIcon} variant="tertiary" onClick={addGroup}>
            {t("rules.add_group")}
          </Button>
        )}
      </InlineStack>
    </div>
  );
}
