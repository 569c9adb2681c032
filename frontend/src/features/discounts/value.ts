import type { Translate } from "@/i18n/translate";
import type { Format } from "@/lib/format";
import type { Discount } from "@/lib/queries/discounts";

/** "10% off", "$5.00 off". */
export function worthOf({ percent, amount }: Discount, t: Translate, f: Format): string {
  const value = amount ? f.money(amount) : t("discounts.percent", { value: f.number(percent ?? 0) });
  return t("discounts.off", { value });
}
