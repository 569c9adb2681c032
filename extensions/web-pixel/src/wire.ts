/**
 * Turns one Shopify customer event into one event of Storecast's wire (version 1).
 *
 * Invariants: a name outside `EVENT_NAMES` never leaves the browser; money is a decimal string, ids are gids; an
 * address carries no fragment, no query parameter outside the allow-list and no token in its path.
 */
import type {
  Cart,
  CartLine,
  Checkout,
  MoneyV2,
  PixelEvents,
  ProductVariant,
} from "@shopify/web-pixels-extension";

export const WIRE_VERSION = 1;

/** Of this extension; package.json says the same, and a test compares them. It is raised with every release. */
export const PIXEL_VERSION = "0.2.0";

const EVENT_NAMES = [
  "page_viewed",
  "product_viewed",
  "collection_viewed",
  "search_submitted",
  "cart_viewed",
  "product_added_to_cart",
  "product_removed_from_cart",
  "checkout_started",
  "checkout_contact_info_submitted",
  "checkout_address_info_submitted",
  "checkout_shipping_info_submitted",
  "payment_info_submitted",
  "checkout_completed",
] as const;

export type EventName = (typeof EVENT_NAMES)[number];
export type StorefrontEvent = PixelEvents[EventName];

export interface Consent {
  readonly analytics: boolean;
  readonly marketing: boolean;
}

/** What an event does not say by itself. */
export interface Given {
  readonly id: string;
  readonly consent: Consent;
  readonly click: string | null;
  readonly customerId: string | null;
  readonly cartId: string | null;
  readonly now: number;
}

export interface WireEvent {
  readonly id: string;
  readonly name: EventName;
  readonly at: string;
  readonly client_id: string;
  readonly seq: number;
  readonly url: string;
  readonly referrer: string;
  readonly click: string | null;
  readonly customer_gid: string | null;
  readonly product_gid: string | null;
  readonly variant_gid: string | null;
  readonly quantity: number | null;
  readonly cart_token: string | null;
  readonly checkout_token: string | null;
  readonly order_gid: string | null;
  readonly value: string | null;
  readonly currency: string | null;
  readonly search: string | null;
  readonly consent: Consent;
  readonly pixel: string;
}

/** What an event's `data` adds; absent means null on the wire. */
interface Facts {
  readonly variant?: ProductVariant | null | undefined;
  readonly quantity?: number | null;
  readonly cart?: string | null;
  readonly checkout?: string | null;
  readonly order?: string | null;
  readonly customer?: string | null;
  readonly money?: MoneyV2 | null | undefined;
  readonly search?: string | null;
}

// 20 events of two such addresses stay under the 64 KiB that a keepalive request may weigh.
const MAX_ADDRESS_CHARS = 1024;
const MAX_SEARCH_CHARS = 256;

const KEPT_PARAMETERS = [
  "utm_source",
  "utm_medium",
  "utm_campaign",
  "utm_content",
  "utm_term",
  "variant",
];
// What follows these segments is a token that opens an account, an order or a checkout.
const PRIVATE_SEGMENTS = new Set(["account", "orders", "checkouts", "checkout"]);

export function isStorefrontEvent(event: { readonly name: string }): event is StorefrontEvent {
  return (EVENT_NAMES as readonly string[]).includes(event.name);
}

export function toWire(event: StorefrontEvent, given: Given): WireEvent {
  const facts = factsOf(event);
  const page = event.context.document;
  const money = facts.money ?? null;
  return {
    id: given.id,
    name: event.name,
    at: instant(event.timestamp, given.now),
    client_id: event.clientId,
    seq: event.seq,
    url: pageAddress(page.location.href),
    referrer: referrerAddress(page.referrer),
    click: given.click,
    customer_gid: gid("Customer", facts.customer ?? given.customerId),
    product_gid: gid("Product", facts.variant?.product.id),
    variant_gid: gid("ProductVariant", facts.variant?.id),
    quantity: facts.quantity ?? null,
    cart_token: bareToken(facts.cart ?? given.cartId),
    checkout_token: facts.checkout ?? null,
    order_gid: gid("Order", facts.order),
    value: money === null ? null : decimal(money.amount),
    currency: money === null ? null : money.currencyCode,
    search: facts.search?.slice(0, MAX_SEARCH_CHARS) ?? null,
    consent: given.consent,
    pixel: PIXEL_VERSION,
  };
}

function factsOf(event: StorefrontEvent): Facts {
  switch (event.name) {
    case "page_viewed":
    case "collection_viewed":
      return {};
    case "product_viewed":
      return { variant: event.data.productVariant, money: event.data.productVariant.price };
    case "search_submitted":
      return { search: event.data.searchResult.query };
    case "cart_viewed":
      return cartFacts(event.data.cart);
    case "product_added_to_cart":
    case "product_removed_from_cart":
      return lineFacts(event.data.cartLine);
    default:
      return checkoutFacts(event.data.checkout);
  }
}

function lineFacts(line: CartLine | null): Facts {
  if (line === null) return {};
  return { variant: line.merchandise, quantity: line.quantity, money: line.cost.totalAmount };
}

function cartFacts(cart: Cart | null): Facts {
  if (cart === null) return {};
  return { cart: cart.id, quantity: cart.totalQuantity, money: cart.cost.totalAmount };
}

function checkoutFacts(checkout: Checkout): Facts {
  return {
    checkout: checkout.token,
    order: checkout.order?.id ?? null,
    customer: checkout.order?.customer?.id ?? null,
    quantity: checkout.lineItems.reduce((sum, line) => sum + line.quantity, 0),
    money: checkout.totalPrice,
  };
}

function instant(timestamp: string, now: number): string {
  const parsed = Date.parse(timestamp);
  return new Date(Number.isNaN(parsed) ? now : parsed).toISOString();
}

/** Shopify hands out bare numbers in some events and gids in others (some of them `OrderIdentity`). */
function gid(type: string, id: string | number | null | undefined): string | null {
  const digits = /(\d+)$/.exec(String(id ?? ""));
  return digits === null ? null : `gid://shopify/${type}/${digits[1]}`;
}

/** A cart's id is a bare token, or `gid://shopify/Cart/<token>?key=<secret>`; the key stays in the browser. */
function bareToken(id: string | null): string | null {
  return id?.replace(/^.*\//, "").replace(/\?.*$/, "") || null;
}

/** Shopify's types say number; 0.1 + 0.2 must not reach a ledger. Three places are the most any currency has. */
function decimal(amount: number | string): string | null {
  const number = Number(amount);
  return Number.isFinite(number) ? number.toFixed(3).replace(/0$/, "") : null;
}

function pageAddress(href: string): string {
  const url = parsedUrl(href);
  if (url === null) return "";
  const kept = new URLSearchParams();
  for (const name of KEPT_PARAMETERS) {
    const value = url.searchParams.get(name);
    if (value !== null) kept.set(name, value);
  }
  const query = kept.toString();
  return bounded(url.origin + publicPath(url) + (query && `?${query}`));
}

function referrerAddress(href: string): string {
  const url = parsedUrl(href);
  return url === null ? "" : bounded(url.origin + publicPath(url));
}

function publicPath(url: URL): string {
  const segments = url.pathname.split("/");
  const secret = segments.findIndex((segment) => PRIVATE_SEGMENTS.has(segment));
  return secret === -1 ? url.pathname : segments.slice(0, secret + 1).join("/");
}

function parsedUrl(href: string): URL | null {
  try {
    const url = new URL(href);
    return url.protocol === "https:" || url.protocol === "http:" ? url : null;
  } catch {
    return null;
  }
}

function bounded(address: string): string {
  return address.slice(0, MAX_ADDRESS_CHARS);
}
