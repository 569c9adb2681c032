import { Card, Select } from "@shopify/polaris";
import { LOCALES, type Locale } from "@/i18n/locales";
import { useI18n } from "@/i18n/useI18n";

/** Each language in its own words, for a reader who does not know the current one. */
const NAMES: Record<Locale, string> = { en: "English", de: "Deutsch" };

export function LanguageCard() {
  const { t, locale, setLocale } = useI18n();
  return (
    <Card>
      <Select
        label={t("settings.language.title")}
        options={LOCALES.map((value) => ({ value, label: NAMES[value] }))}
        value={locale}
        onChange={(value) => setLocale(value as Locale)}
      />
    </Card>
  );
}
