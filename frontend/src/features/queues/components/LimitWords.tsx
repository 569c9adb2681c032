import { useI18n } from "@/i18n/useI18n";
import type { LimitBody } from "../api";

/** What is limited, in one line: "8 at once · 2 of a shop · 600 per minute". */
export function LimitWords({ limit }: { limit: LimitBody }) {
  const { t, f } = useI18n();
  const parts = [
    limit.in_flight != null ? t("limits.in_flight_words", { number: limit.in_flight }) : "",
    limit.shop_in_flight != null ? t("limits.shop_words", { number: limit.shop_in_flight }) : "",
    limit.rate != null
      ? t("limits.rate_words", {
          number: limit.rate,
          period: f.duration((limit.rate_period_s ?? 60) * 1000),
        })
      : "",
    limit.weight !== undefined && limit.weight !== 1
      ? t("limits.weight_words", { number: limit.weight })
      : "",
  ].filter(Boolean);
  return <>{parts.length > 0 ? parts.join(" · ") : t("limits.none")}</>;
}
