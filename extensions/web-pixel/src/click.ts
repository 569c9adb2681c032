/**
 * Remembers which message brought the visitor: the `sc_click` token of the landing address.
 *
 * Kept for five days, the default attribution window, in the tab and across tabs. The caller stores and reads it with
 * marketing consent only, and erases it when there is none.
 */
import type { Browser } from "@shopify/web-pixels-extension";

const PARAMETER = "sc_click";
const KEY = "storecast_click";
const LIFETIME_MS = 5 * 24 * 60 * 60 * 1000;
// 30 bytes in base64url: shop, campaign and delivery numbers and a 10-byte signature.
const TOKEN = /^[A-Za-z0-9_-]{40}$/;

interface Kept {
  readonly token: string;
  readonly at: number;
}

export interface ClickKeeper {
  /** The token in force, or null. */
  current(now: number): string | null;
  /** True when this page itself is a landing. */
  readonly landed: boolean;
  /** Reads what an earlier page kept, unless this page brought a newer token, and keeps the result. */
  keep(now: number): Promise<void>;
  /** Erases what is stored. The token of this very page stays in memory, in case the visitor consents on it. */
  erase(): Promise<void>;
}

export function clickKeeper(browser: Browser, landing: { readonly search: string }, now: number): ClickKeeper {
  const token = new URLSearchParams(landing.search).get(PARAMETER);
  const landed = token !== null && TOKEN.test(token);
  const stores = [browser.sessionStorage, browser.localStorage];
  let kept: Kept | null = landed ? { token, at: now } : null;

  return {
    landed,
    current: (at) => (kept !== null && at - kept.at < LIFETIME_MS ? kept.token : null),
    async keep(at) {
      for (const store of stores) {
        kept ??= parsed(await store.getItem(KEY).catch(() => null), at);
      }
      if (kept === null) return;
      const text = JSON.stringify(kept);
      await Promise.all(stores.map((store) => store.setItem(KEY, text).catch(() => undefined)));
    },
    async erase() {
      if (!landed) kept = null;
      await Promise.all(stores.map((store) => store.removeItem(KEY).catch(() => undefined)));
    },
  };
}

/** Anything on the page may have written there: believe only what has our shape and a believable time. */
function parsed(text: string | null, now: number): Kept | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    if (typeof value !== "object" || value === null) return null;
    const { token, at } = value as Partial<Record<keyof Kept, unknown>>;
    const fits = typeof token === "string" && TOKEN.test(token) && typeof at === "number";
    return fits && at <= now && now - at < LIFETIME_MS ? { token, at } : null;
  } catch {
    return null;
  }
}
