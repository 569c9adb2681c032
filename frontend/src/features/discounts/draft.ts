/** The form of a new discount as it is typed, and what is wrong with it before anybody is asked. */
import type { MessageKey } from "@/i18n/translate";
import type { Format } from "@/lib/format";
import { toMinor } from "@/lib/minor";
import { utcToZoned, zonedToUtc } from "@/lib/zoned";
import type { NewDiscount } from "./api";

export const MAX_CODES = 100_000;

export interface Draft {
  title: string;
  kind: "percent" | "amount";
  value: string;
  codes: string;
  prefix: string;
  /** A day of the shop's calendar, or nothing. */
  ends: string;
  oncePerCustomer: boolean;
}

export type Field = "title" | "value" | "codes" | "prefix" | "ends";

export const EMPTY: Draft = {
  title: "",
  kind: "percent",
  value: "10",
  codes: "1000",
  prefix: "",
  ends: "",
  oncePerCustomer: true,
};

function percentOf(text: string): number | null {
  const plain = text.trim().replace(",", ".");
  const percent = Number(plain);
  return /^\d{1,3}(\.\d{1,2})?$/.test(plain) && percent > 0 && percent <= 100 ? percent : null;
}

export function mistakes(draft: Draft, f: Format, now = Date.now()): Partial<Record<Field, MessageKey>> {
  const codes = Number(draft.codes);
  const today = utcToZoned(now, f.timeZone).slice(0, 10);
  const isPercent = draft.kind === "percent";
  const value = isPercent ? percentOf(draft.value) : toMinor(draft.value, f.currency);
  return {
    ...(draft.title.trim() === "" ? { title: "discounts.name_missing" as const } : {}),
    ...(value === null
      ? { value: isPercent ? ("discounts.percent_wrong" as const) : ("discounts.amount_wrong" as const) }
      : {}),
    ...(/^\d+$/.test(draft.codes) && codes >= 1 && codes <= MAX_CODES
      ? {}
      : { codes: "discounts.codes_wrong" as const }),
    ...(/^[A-Z0-9-]{0,20}$/.test(draft.prefix) ? {} : { prefix: "discounts.prefix_wrong" as const }),
    ...(draft.ends !== "" && draft.ends <= today ? { ends: "discounts.ends_wrong" as const } : {}),
  };
}

/** What is asked for; the draft has no mistakes. The last day counts to its last minute. */
export function toDiscount(draft: Draft, f: Format): NewDiscount {
  return {
    title: draft.title.trim(),
    ...(draft.kind === "percent"
      ? { percent: percentOf(draft.value) ?? 0 }
      : { amount_minor: toMinor(draft.value, f.currency) ?? 0 }),
    codes: Number(draft.codes),
    prefix: draft.prefix,
    ends_at: draft.ends ? zonedToUtc(`${draft.ends}T23:59`, f.timeZone) : null,
    once_per_customer: draft.oncePerCustomer,
  };
}
