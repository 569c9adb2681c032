import { BlockStack, Checkbox, Select, Text, TextField } from "@shopify/polaris";
import { humanise } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import { fieldError } from "@/lib/fieldErrors";

/** As much of JSON schema as jobs' arguments use. */
interface FieldSchema {
  type?: string;
  title?: string;
  description?: string;
  enum?: readonly unknown[];
  default?: unknown;
  anyOf?: readonly FieldSchema[];
  format?: string;
}

type Values = Record<string, unknown>;

interface Props {
  schema: Record<string, unknown>;
  values: Values;
  onChange: (values: Values) => void;
  error: unknown;
  /** Where these values sit in what is sent. */
  pointer: string;
}

/** "string or nothing" is a string that may be left empty. */
function unwrap(schema: FieldSchema): { schema: FieldSchema; isOptional: boolean } {
  const others = schema.anyOf?.filter((one) => one.type !== "null");
  if (schema.anyOf && others?.length === 1 && others[0]) {
    return { schema: { ...schema, ...others[0] }, isOptional: others.length < schema.anyOf.length };
  }
  return { schema, isOptional: false };
}

/** Text that reads as JSON is that value; anything else stays text, for the API to refuse at its field. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The fields of a job's arguments. What is left empty is not sent. */
export function SchemaForm({ schema, values, onChange, error, pointer }: Props) {
  const { t } = useI18n();
  const properties = Object.entries((schema.properties ?? {}) as Record<string, FieldSchema>);
  const required = new Set((schema.required ?? []) as string[]);
  if (properties.length === 0) {
    return (
      <Text as="p" tone="subdued">
        {t("schema.no_fields")}
      </Text>
    );
  }
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...rest } = values;
    onChange(value === undefined ? rest : { ...rest, [name]: value });
  };
  return (
    <BlockStack gap="300">
      {properties.map(([name, raw]) => {
        const { schema: field, isOptional } = unwrap(raw);
        const mayBeEmpty = isOptional || !required.has(name);
        const text = field.title ?? humanise(name);
        const label = mayBeEmpty ? t("schema.optional", { label: text }) : text;
        const problem = fieldError(error, `${pointer}/${name}`);
        const help = field.description;
        if (field.type === "boolean") {
          return (
            <Checkbox
              key={name}
              label={text}
              helpText={help}
              checked={(values[name] ?? field.default) === true}
              error={problem}
              onChange={(checked) => set(name, checked)}
            />
          );
        }
        if (field.enum) {
          return (
            <Select
              key={name}
              label={label}
              helpText={help}
              options={[{ label: "–", value: "" }, ...field.enum.map((one) => String(one))]}
              value={shown(values[name] ?? field.default)}
              error={problem}
              onChange={(value) =>
                set(
                  name,
                  field.enum?.find((one) => String(one) === value),
                )
              }
            />
          );
        }
        const isText = field.type === "string" || field.type === undefined;
        return (
          <TextField
            key={name}
            label={label}
            helpText={help ?? (isText ? undefined : t.code("schema_type", field.type ?? ""))}
            value={shown(values[name] ?? field.default)}
            inputMode={field.type === "integer" ? "numeric" : undefined}
            autoComplete="off"
            error={problem}
            onChange={(value) =>
              set(name, value === "" && mayBeEmpty ? undefined : isText ? value : parsed(value))
            }
          />
        );
      })}
    </BlockStack>
  );
}
