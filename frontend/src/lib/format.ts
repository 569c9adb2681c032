/** Numbers, money and instants as the shop writes them: its currency, its time zone, the reader's language. */

export interface Amount {
  amount_minor: number;
  currency: string;
}

export interface FormatOptions {
  locale: string;
  currency: string;
  timeZone: string;
}

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

const SMALLEST_SHARE = 0.001;
/** What one decimal would round up to 10.0% is written as the larger shares are. */
const ONE_DECIMAL_BELOW = 0.0995;

export function currencyDigits(currency: string): number {
  return (
    new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2
  );
}

export function toMajor(minor: number, currency: string): number {
  return minor / 10 ** currencyDigits(currency);
}

export function createFormat({ locale, currency, timeZone }: FormatOptions) {
  const plain = new Intl.NumberFormat(locale);
  const oneDigit = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const compactNumber = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
  const dateTimeFormat = new Intl.DateTimeFormat(locale, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone,
  });
  const dateFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone });
  const timeFormat = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit", timeZone });
  const clockFormat = new Intl.DateTimeFormat(locale, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZone,
  });
  // Calendar days have no time zone: they are read and written as UTC so that no offset moves them.
  const dayFormat = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
  const longDayFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
  const relativeFormat = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "long" });
  const unit = (name: string) =>
    new Intl.NumberFormat(locale, {
      style: "unit",
      unit: name,
      unitDisplay: "narrow",
      maximumFractionDigits: 1,
    });

  function money(amount: Amount, options: { whole?: boolean } = {}): string {
    const digits = options.whole ? 0 : currencyDigits(amount.currency);
    return new Intl.NumberFormat(locale, {
      style: "currency",
      currency: amount.currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(toMajor(amount.amount_minor, amount.currency));
  }

  function compactMoney(minor: number): string {
    return new Intl.NumberFormat(locale, {
      style: "currency",
      currency,
      notation: "compact",
      minimumFractionDigits: 0,
      maximumFractionDigits: 1,
    }).format(toMajor(minor, currency));
  }

  /** Small shares keep one decimal, and one too small for that is not nothing: "45%", "2.0%", "<0.1%". */
  function percent(ratio: number, digits = 0): string {
    const format = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits });
    const small = new Intl.NumberFormat(locale, {
      style: "percent",
      minimumFractionDigits: 1,
      maximumFractionDigits: 1,
    });
    if (ratio <= 0 || ratio >= ONE_DECIMAL_BELOW) return format.format(ratio);
    return ratio < SMALLEST_SHARE / 2 ? `<${small.format(SMALLEST_SHARE)}` : small.format(ratio);
  }

  /** A change: the size as of any share, with the sign that says which way. */
  function signedPercent(ratio: number): string {
    const size = percent(Math.abs(ratio));
    if (ratio === 0 || size.startsWith("<")) return size;
    return ratio > 0 ? `+${size}` : `−${size}`;
  }

  /** An amount of the shop's currency; a fraction of the smallest coin is not nothing either. */
  function minor(amount_minor: number): string {
    const tiny = amount_minor > 0 && amount_minor < 0.5;
    return tiny ? `<${money({ amount_minor: 1, currency })}` : money({ amount_minor, currency });
  }

  /** The two largest units that matter: "3h 12m", "45s", "120ms". */
  function duration(ms: number): string {
    if (ms < 1000) return unit("millisecond").format(Math.round(ms));
    const seconds = ms / 1000;
    if (seconds < MINUTE_S) return unit("second").format(seconds);
    const [big, small, bigSize, smallSize] =
      seconds < HOUR_S
        ? ["minute", "second", MINUTE_S, 1]
        : seconds < DAY_S
          ? ["hour", "minute", HOUR_S, MINUTE_S]
          : ["day", "hour", DAY_S, HOUR_S];
    const bigCount = Math.floor(seconds / (bigSize as number));
    const smallCount = Math.floor((seconds % (bigSize as number)) / (smallSize as number));
    const head = unit(big as string).format(bigCount);
    return smallCount > 0 ? `${head} ${unit(small as string).format(smallCount)}` : head;
  }

  function relative(instant: string, now: number = Date.now()): string {
    const seconds = (Date.parse(instant) - now) / 1000;
    const size = Math.abs(seconds);
    if (size < MINUTE_S) return relativeFormat.format(Math.round(seconds), "second");
    if (size < HOUR_S) return relativeFormat.format(Math.round(seconds / MINUTE_S), "minute");
    if (size < DAY_S) return relativeFormat.format(Math.round(seconds / HOUR_S), "hour");
    if (size < 30 * DAY_S) return relativeFormat.format(Math.round(seconds / DAY_S), "day");
    return dateFormat.format(new Date(instant));
  }

  function bytes(count: number): string {
    if (count < 1000) return unit("byte").format(count);
    if (count < 1_000_000) return unit("kilobyte").format(count / 1000);
    return unit("megabyte").format(count / 1_000_000);
  }

  const regionNames = new Intl.DisplayNames(locale, { type: "region", fallback: "code" });
  const languageNames = new Intl.DisplayNames(locale, { type: "language", fallback: "code" });

  /** "Portland, United States"; what Shopify names otherwise than by a code stays as it is. */
  function place(city: string | null, country: string | null): string {
    const region = country && /^[A-Z]{2}$/.test(country) ? regionNames.of(country) : country;
    return [city, region].filter(Boolean).join(", ");
  }

  /** "German (Germany)"; a tag that is none stays as it is. */
  function language(tag: string): string {
    try {
      return languageNames.of(tag) ?? tag;
    } catch {
      return tag;
    }
  }

  return {
    currency,
    timeZone,
    number: (value: number) => plain.format(value),
    decimal: (value: number) => oneDigit.format(value),
    compact: (value: number) => compactNumber.format(value),
    place,
    language,
    percent,
    signedPercent,
    money,
    minor,
    compactMoney,
    dateTime: (instant: string) => dateTimeFormat.format(new Date(instant)),
    date: (instant: string) => dateFormat.format(new Date(instant)),
    time: (instant: string) => timeFormat.format(new Date(instant)),
    /** To the second, for lines that follow each other closely. */
    clock: (instant: string) => clockFormat.format(new Date(instant)),
    day: (day: string) => dayFormat.format(new Date(`${day}T00:00:00Z`)),
    longDay: (day: string) => longDayFormat.format(new Date(`${day}T00:00:00Z`)),
    relative,
    duration,
    bytes,
  };
}

export type Format = ReturnType<typeof createFormat>;
