import type { Translate } from "@/i18n/translate";
import type { Format } from "./format";

/** A watched figure with its unit, as the API names units. */
export function formatAmount(value: number | null, unit: string, t: Translate, f: Format): string {
  if (value === null) return "–";
  switch (unit) {
    case "s":
      return value < 1 ? t("amount.under_a_second") : f.duration(value * 1000);
    case "min":
      return f.duration(value * 60_000);
    case "ms":
      return f.duration(value);
    case "percent":
      return f.percent(value / 100);
    case "ratio":
      return f.percent(value);
    case "bytes":
      return f.bytes(value);
    case "minor":
      return f.minor(value);
    default:
      return t.code("unit", unit, { count: value }, f.decimal(value));
  }
}
