/** The door outside the admin: where a person without a session signs in, and how one leaves. */
import { api, authorisedFetch, body } from "./api/client";

const SHOP_KEY = "storecast-shop";
const SUFFIX = ".myshopify.com";
const NAME = /^[a-z0-9][a-z0-9-]{0,98}$/;

/**
 * The domain that a person means by what they typed or pasted: the bare name, the domain, an address of the
 * storefront or of the admin. Null when it names no store at Shopify; the API judges the domain again.
 */
export function findShopDomain(typed: string): string | null {
  const address = typed
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, "");
  const ofAdmin = /^admin\.shopify\.com\/store\/([^/?#]+)/.exec(address)?.[1];
  const host = ofAdmin ?? address.replace(/[/?#].*$/, "");
  const name = host.endsWith(SUFFIX) ? host.slice(0, -SUFFIX.length) : host;
  return NAME.test(name) ? name + SUFFIX : null;
}

/** The store whose pages were read last in this browser: sign-in has to name one. */
export function rememberShop(domain: string): void {
  try {
    localStorage.setItem(SHOP_KEY, domain);
  } catch {
    // Storage is blocked: the store has to be named again.
  }
}

/** Null when this browser has never been in a store. */
export function findRememberedShop(): string | null {
  try {
    return localStorage.getItem(SHOP_KEY);
  } catch {
    return null;
  }
}

/** Where to go for a sign-in that comes back to the page that is open now. */
function signInPath(domain: string): string {
  const { pathname, search } = window.location;
  const query = new URLSearchParams({ shop: domain });
  if (pathname !== "/" || search) query.set("return_to", pathname + search);
  return `/auth/login?${query.toString()}`;
}

/** Leaves for Shopify, which asks who the person is and sends them back. */
export function signIn(domain: string): void {
  rememberShop(domain);
  window.location.assign(signInPath(domain));
}

/** Takes up a session that has ended; without a remembered store the start page asks for it. */
export function signInAgain(): void {
  const domain = findRememberedShop();
  window.location.assign(domain ? signInPath(domain) : "/");
}

export async function signOut(domain: string): Promise<void> {
  rememberShop(domain);
  await authorisedFetch(new Request(new URL("/auth/logout", window.location.origin), { method: "POST" }));
  window.location.assign("/");
}

/** Ends every browser session of the person, here and elsewhere. */
export async function signOutEverywhere(domain: string): Promise<void> {
  rememberShop(domain);
  await body(api.DELETE("/api/v1/sessions"));
  window.location.assign("/");
}

/** Goes on in another of the person's stores: everything loaded belongs to the one before, so the page begins anew. */
export async function switchShop(domain: string): Promise<void> {
  await body(api.POST("/api/v1/session/shop", { body: { domain } }));
  rememberShop(domain);
  window.location.assign("/");
}
