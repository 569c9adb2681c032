import { useI18n } from "@/i18n/useI18n";

/** "3 minutes ago", with the exact instant in the shop's time zone on hover and for copying. */
export function TimeAgo({ at }: { at: string | null | undefined }) {
  const { t, f } = useI18n();
  if (!at) return <span>{t("state.never")}</span>;
  return (
    <time dateTime={at} title={`${f.dateTime(at)} (${f.timeZone})`}>
      {f.relative(at)}
    </time>
  );
}
