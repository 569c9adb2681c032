import { currencyDigits } from "./format";

/** "12.50" or "12,50" in the currency's smallest coin; null for what is no positive amount of it. */
export function toMinor(text: string, currency: string): number | null {
  const digits = currencyDigits(currency);
  const plain = text.trim().replace(",", ".");
  if (!/^\d{1,9}(\.\d*)?$/.test(plain) || (plain.split(".")[1]?.length ?? 0) > digits) return null;
  return Math.round(Number(plain) * 10 ** digits) || null;
}
