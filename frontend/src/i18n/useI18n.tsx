import { createContext, type ReactNode, useContext, useMemo } from "react";
import { createFormat, type Format } from "@/lib/format";
import type { LoadedLocale, Locale } from "./locales";
import { createTranslate, type Translate } from "./translate";

interface I18n {
  t: Translate;
  /** Numbers, money and dates in the shop's currency and time zone. */
  f: Format;
  locale: Locale;
  setLocale: (locale: Locale) => void;
}

const I18nContext = createContext<I18n | null>(null);

interface Props {
  loaded: LoadedLocale;
  setLocale: (locale: Locale) => void;
  currency: string;
  timeZone: string;
  children: ReactNode;
}

export function I18nProvider({ loaded, setLocale, currency, timeZone, children }: Props) {
  const value = useMemo<I18n>(
    () => ({
      t: createTranslate(loaded.messages, loaded.locale),
      f: createFormat({ locale: loaded.locale, currency, timeZone }),
      locale: loaded.locale,
      setLocale,
    }),
    [loaded, setLocale, currency, timeZone],
  );
  return <I18nContext.Provider value={value}>{children}</I18nContext.Provider>;
}

export function useI18n(): I18n {
  const value = useContext(I18nContext);
  if (!value) throw new Error("useI18n outside of I18nProvider");
  return value;
}
