/** How the versions of a message are called: letters for those of a test, the language's name for the others. */
import { useI18n } from "@/i18n/useI18n";

export interface Named {
  number: number;
  locale?: string | null;
}

export const letter = (number: number) => String.fromCharCode(65 + number);

/** The language of a tag in words, such as "Brazilian Portuguese"; the tag itself where the browser has none. */
export function languageName(tag: string, reader: string): string {
  return new Intl.DisplayNames([reader], { type: "language", fallback: "code" }).of(tag) ?? tag;
}

/** Words for a version; `tested` says that the campaign itself is version A of a test. */
export function useVersionName() {
  const { t, locale } = useI18n();
  return (version: Named, tested = true): string => {
    if (version.locale) return languageName(version.locale, locale);
    return version.number > 0 || tested
      ? t("versions.name", { letter: letter(version.number) })
      : t("versions.own");
  };
}

/** Languages that shops are read in, to choose from; the API takes any other. */
export const OFFERED = [
  ...["ar", "bg", "ca", "cs", "da", "de", "de-AT", "de-CH", "el", "en", "en-GB", "en-US", "es", "es-419"],
  ...[
    "es-MX",
    "et",
    "fi",
    "fr",
    "fr-CA",
    "fr-CH",
    "ga",
    "he",
    "hi",
    "hr",
    "hu",
    "id",
    "is",
    "it",
    "ja",
    "ko",
  ],
  ...[
    "lt",
    "lv",
    "ms",
    "nb",
    "nl",
    "nl-BE",
    "pl",
    "pt",
    "pt-BR",
    "pt-PT",
    "ro",
    "ru",
    "sk",
    "sl",
    "sr",
    "sv",
  ],
  ...["th", "tr", "uk", "vi", "zh", "zh-CN", "zh-TW", "zh-Hans", "zh-Hant"],
] as const;
