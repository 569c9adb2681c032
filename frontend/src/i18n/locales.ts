/** Which languages there are, which one this reader wants, and their lazily loaded texts. */
import type { AppProviderProps } from "@shopify/polaris";
import type { Messages } from "./translate";

export const LOCALES = ["en", "de"] as const;
export type Locale = (typeof LOCALES)[number];

const STORAGE_KEY = "storecast-locale";

export interface LoadedLocale {
  locale: Locale;
  messages: Messages;
  polaris: AppProviderProps["i18n"];
}

function match(tag: string | null | undefined): Locale | undefined {
  const language = tag?.toLowerCase().split("-")[0];
  return LOCALES.find((locale) => locale === language);
}

function remembered(): string | null {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

/** The reader's own choice, then the admin's (`?locale=`), then the browser's, then English. */
export function preferredLocale(search: string): Locale {
  const asked = new URLSearchParams(search).get("locale");
  return match(remembered()) ?? match(asked) ?? match(navigator.language) ?? "en";
}

export function rememberLocale(locale: Locale): void {
  try {
    localStorage.setItem(STORAGE_KEY, locale);
  } catch {
    // Storage is blocked in this iframe: the choice lasts until the page is left.
  }
}

export async function loadLocale(locale: Locale): Promise<LoadedLocale> {
  if (locale === "de") {
    const [own, polaris] = await Promise.all([import("./de"), import("@shopify/polaris/locales/de.json")]);
    return { locale, messages: own.de, polaris: polaris.default };
  }
  const [own, polaris] = await Promise.all([import("./en"), import("@shopify/polaris/locales/en.json")]);
  return { locale, messages: own.en, polaris: polaris.default };
}
