/** The door outside the admin: where a person without a session signs in, and how one leaves. */
import { authorisedFetch } from "./api/client";

const SHOP_KEY = "storecast-shop";

/** The store whose pages were read last in this browser: sign-in has to name one. */
export function rememberShop(domain: string): void {
  try {
    localStorage.setItem(SHOP_KEY, domain);
  } catch {
    // Storage is blocked: signing in again starts from the admin.
  }
}

/** Null when this browser has never been in a store; the way in is then the store's admin. */
export function findSignInPath(): string | null {
  try {
    const shop = localStorage.getItem(SHOP_KEY);
    return shop ? `/auth/login?shop=${encodeURIComponent(shop)}` : null;
  } catch {
    return null;
  }
}

export async function signOut(domain: string): Promise<void> {
  rememberShop(domain);
  await authorisedFetch(new Request(new URL("/auth/logout", window.location.origin), { method: "POST" }));
  window.location.assign("/");
}
