/** The part of JSON Schema that job arguments use, checked as one types; the API checks again, and all of it. */
import { pointerTo, type SourceProblem } from "./jsonSource";

export interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  $ref?: string;
  $defs?: Record<string, Schema>;
}

/** Stands for what the server hides, and puts back where it was left standing. */
const MASK = "•••";

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function fits(value: unknown, type: string): boolean {
  const own = typeOf(value);
  return own === type || (type === "number" && own === "integer");
}

export function checkSchema(value: unknown, schema: Schema, root: Schema = schema, at = ""): SourceProblem[] {
  if (value === MASK) return [];
  if (schema.$ref) {
    const target = root.$defs?.[schema.$ref.replace(/^#\/\$defs\//, "")];
    return target ? checkSchema(value, target, root, at) : [];
  }
  if (schema.anyOf) {
    const tries = schema.anyOf.map((one) => checkSchema(value, one, root, at));
    // The branch that comes nearest says best what is wrong.
    return tries.reduce((best, next) => (next.length < best.length ? next : best), tries[0] ?? []);
  }
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => fits(value, type))) {
    return [{ pointer: at, message: "type", values: { wanted: types.join(" | "), got: typeOf(value) } }];
  }
  const allowed = schema.const === undefined ? schema.enum : [schema.const];
  if (allowed && !allowed.includes(value)) {
    return [{ pointer: at, message: "enum", values: { wanted: allowed.map(String).join(", ") } }];
  }
  if (typeof value === "number") return checkRange(value, schema, at);
  if (typeof value === "string") return checkLength(value, schema, at);
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.flatMap((one, index) => checkSchema(one, items, root, pointerTo(at, index))) : [];
  }
  return typeof value === "object" && value !== null
    ? checkObject(value as Record<string, unknown>, schema, root, at)
    : [];
}

function checkRange(value: number, { minimum, maximum }: Schema, at: string): SourceProblem[] {
  const isIn = (minimum === undefined || value >= minimum) && (maximum === undefined || value <= maximum);
  const values = { from: String(minimum ?? "–∞"), to: String(maximum ?? "∞") };
  return isIn ? [] : [{ pointer: at, message: "range", values }];
}

function checkLength(value: string, { minLength = 0, maxLength }: Schema, at: string): SourceProblem[] {
  const isIn = value.length >= minLength && (maxLength === undefined || value.length <= maxLength);
  const values = { from: String(minLength), to: String(maxLength ?? "∞") };
  return isIn ? [] : [{ pointer: at, message: "length", values }];
}

function checkObject(
  value: Record<string, unknown>,
  schema: Schema,
  root: Schema,
  at: string,
): SourceProblem[] {
  const missing = (schema.required ?? [])
    .filter((key) => !Object.hasOwn(value, key))
    .map((key): SourceProblem => ({ pointer: at, message: "required", values: { key } }));
  const rest = schema.additionalProperties;
  const inside = Object.entries(value).flatMap(([key, one]): SourceProblem[] => {
    const pointer = pointerTo(at, key);
    const own = schema.properties?.[key];
    if (own) return checkSchema(one, own, root, pointer);
    if (rest === false) return [{ pointer, message: "unknown", values: { key } }];
    return typeof rest === "object" ? checkSchema(one, rest, root, pointer) : [];
  });
  return [...missing, ...inside];
}
