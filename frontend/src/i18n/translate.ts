import type { en } from "./en";

/** A text, or its plural forms chosen by `count`. `{name}` is replaced by the value of that name. */
export type Message = string | { one: string; other: string };
export type MessageKey = keyof typeof en;
export type Messages = Record<MessageKey, Message>;
export type Values = Record<string, string | number>;

export interface Translate {
  (key: MessageKey, values?: Values): string;
  /** For keys made from the API's codes: `fallback` when the catalogue does not know the code yet. */
  code(prefix: string, code: string, values?: Values, fallback?: string): string;
}

/** "last_order_at" → "Last order at": readable enough until the catalogue has the code. */
export function humanise(code: string): string {
  const words = code.replaceAll(/[._-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function createTranslate(messages: Messages, locale: string): Translate {
  const plural = new Intl.PluralRules(locale);
  const number = new Intl.NumberFormat(locale);

  function fill(message: Message, values: Values): string {
    const text =
      typeof message === "string"
        ? message
        : message[plural.select(Number(values.count ?? 0)) === "one" ? "one" : "other"];
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      if (value === undefined) return whole;
      return typeof value === "number" ? number.format(value) : value;
    });
  }

  const translate = (key: MessageKey, values: Values = {}) => fill(messages[key], values);
  return Object.assign(translate, {
    code(prefix: string, code: string, values: Values = {}, fallback?: string): string {
      const message = (messages as Record<string, Message | undefined>)[`${prefix}.${code}`];
      return message ? fill(message, values) : (fallback ?? humanise(code));
    },
  });
}
