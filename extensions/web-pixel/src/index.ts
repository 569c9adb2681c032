/**
 * The pixel: subscribes to the storefront's standard events and hands them to the sender.
 *
 * Invariants: without analytics consent nothing is sent and nothing is stored; events seen before consent wait in
 * memory only; without marketing consent no event names the message that brought the visitor.
 */
import { register, type CustomerPrivacyPayload } from "@shopify/web-pixels-extension";

import { clickKeeper } from "./click";
import { Queue } from "./queue";
import { Sender } from "./sender";
import { isStorefrontEvent, toWire, type Consent, type StorefrontEvent } from "./wire";

// Shopify replays what happened before consent; more than this on one page is not a visitor.
const MAX_WAITING = 50;

register(({ analytics, browser, init, settings, customerPrivacy }) => {
  const accountKey = text(settings["accountID"]);
  const endpoint = text(settings["endpoint"]);
  if (accountKey === "" || endpoint === "") return;

  let consent = consentOf(init);
  let isReady = false;
  let waiting: StorefrontEvent[] = [];
  const click = clickKeeper(browser, init.context.document.location, Date.now());
  const queue = new Queue(browser.sessionStorage, accountKey);
  const sender = new Sender(queue, endpoint, () => consent.analytics);

  function accept(event: StorefrontEvent): void {
    const now = Date.now();
    queue.add(
      toWire(event, {
        id: uuid4(),
        consent,
        click: consent.marketing ? click.current(now) : null,
        customerId: init.data.customer?.id ?? null,
        cartId: init.data.cart?.id ?? null,
        now,
      }),
    );
    // A visitor who lands and leaves at once must still be tied to the message; an order must never wait.
    sender.schedule(click.landed || event.name === "checkout_completed");
  }

  function release(): void {
    if (!isReady || !consent.analytics) return;
    const events = waiting;
    waiting = [];
    events.forEach(accept);
  }

  async function applyConsent(): Promise<void> {
    await (consent.marketing ? click.keep(Date.now()) : click.erase());
    if (!consent.analytics) queue.clear();
  }

  analytics.subscribe("all_standard_events", (event) => {
    if (!isStorefrontEvent(event) || waiting.length >= MAX_WAITING) return;
    waiting.push(event);
    release();
  });

  customerPrivacy.subscribe("visitorConsentCollected", (event) => {
    consent = consentOf(event);
    void applyConsent().then(release);
  });

  // Only a frame hears this; the strict worker does not, and there the stored queue covers the navigation.
  globalThis.addEventListener?.("pagehide", () => sender.flush());

  void (async () => {
    if (consent.analytics) await queue.restore(Date.now());
    await applyConsent();
    isReady = true;
    if (queue.size > 0) sender.flush();
    release();
  })();
});

function consentOf(source: CustomerPrivacyPayload): Consent {
  const privacy = source.customerPrivacy;
  return { analytics: privacy.analyticsProcessingAllowed, marketing: privacy.marketingAllowed };
}

function text(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}

/** Version 4 by hand: `crypto.randomUUID` is missing where the page is not a secure context. */
function uuid4(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
