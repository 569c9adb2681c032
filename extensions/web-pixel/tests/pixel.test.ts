import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { test } from "node:test";

import { ACCOUNT, BUNDLE, Browser, TOKEN } from "./world";

const HOME = "https://cdnow.example/";
const LANDING = `${HOME}products/blue-train?utm_source=storecast&sc_click=${TOKEN}`;
const DAY_MS = 24 * 60 * 60 * 1000;
const CHECKOUT = {
  checkout: { token: "c7a1", order: { id: "6001", customer: null }, lineItems: [], totalPrice: null },
};

test("the bundle is far below Shopify's 128 kB", () => {
  assert.ok(statSync(BUNDLE).size < 16_000, `${statSync(BUNDLE).size} bytes`);
  assert.doesNotMatch(readFileSync(BUNDLE, "utf8"), /\beval\b|document\.cookie|sendBeacon/);
});

test("it registers as a web pixel and subscribes to all standard events", async () => {
  const page = await new Browser().open();
  assert.equal(page.extensionPoint, "WebPixel::Render");
  assert.deepEqual(page.subscribed, ["all_standard_events"]);
});

test("without its settings it does nothing", async () => {
  for (const settings of [{}, { accountID: ACCOUNT }, { accountID: " ", endpoint: "https://edge.example" }]) {
    assert.deepEqual((await new Browser().open({ settings })).subscribed, []);
  }
});

test("events of one second travel in one request that needs no preflight", async () => {
  const browser = new Browser();
  const page = await browser.open();
  await page.publish("page_viewed");
  await page.publish("collection_viewed");
  await browser.advance(999);
  assert.equal(browser.sent.length, 0);
  await browser.advance(1);
  assert.equal(browser.sent.length, 1);
  const { body, at, ...request } = browser.sent[0]!;
  // The request comes from the bundle's own realm, whose objects are never deeply equal to ours.
  assert.deepEqual(structuredClone(request), {
    url: "https://edge.example/pixel/v1/events",
    method: "POST",
    keepalive: true,
    headers: { "Content-Type": "text/plain" },
  });
  const { events, ...envelope } = JSON.parse(body) as { events: { id: string; name: string }[] };
  assert.deepEqual(envelope, { v: 1, key: ACCOUNT });
  assert.deepEqual(events.map((event) => event.name), ["page_viewed", "collection_viewed"]);
  assert.match(events[0]!.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(events[0]!.id, events[1]!.id);
});

test("a batch holds at most 20 events", async () => {
  const browser = new Browser();
  const page = await browser.open();
  for (let count = 0; count < 45; count += 1) await page.publish("page_viewed");
  await browser.advance(1000);
  assert.deepEqual([0, 1, 2].map((index) => browser.events(index).length), [20, 20, 5]);
});

test("a body stays within 64 KiB even when every event is heavy", async () => {
  const browser = new Browser();
  const page = await browser.open({ href: `${HOME}${"x".repeat(1100)}?utm_source=${"y".repeat(900)}` });
  const query = "\u{1F3B7}".repeat(128);
  for (let count = 0; count < 60; count += 1) {
    await page.publish("search_submitted", { searchResult: { query: query.repeat(2) } });
  }
  await browser.advance(1000);
  const total = browser.sent.reduce((sum, _sent, index) => sum + browser.events(index).length, 0);
  assert.equal(total, 60);
  for (const sent of browser.sent) assert.ok(new TextEncoder().encode(sent.body).length <= 64 * 1024);
});

test("a completed checkout does not wait for the window", async () => {
  const browser = new Browser();
  const page = await browser.open();
  await page.publish("page_viewed");
  await page.publish("checkout_completed", CHECKOUT);
  assert.deepEqual(browser.events(0).map((event) => event["name"]), ["page_viewed", "checkout_completed"]);
  assert.equal(browser.events(0)[1]!["order_gid"], "gid://shopify/Order/6001");
});

test("a page that tells it is being left is heard", async () => {
  const browser = new Browser();
  const page = await browser.open();
  await page.publish("page_viewed");
  page.listeners.get("pagehide")?.();
  assert.equal(browser.sent.length, 1);
});

test("other events are ignored", async () => {
  const browser = new Browser();
  const page = await browser.open();
  await page.publish("alert_displayed", { alert: {} });
  await page.publish("ui_extension_errored", { error: {} });
  await page.publish("something_new");
  await browser.advance(5000);
  assert.equal(browser.sent.length, 0);
});

for (const answer of ["network error", { status: 429 }, { status: 502 }, { status: 503 }] as const) {
  test(`${JSON.stringify(answer)} is tried again with the same ids and instants`, async () => {
    const browser = new Browser();
    browser.answers = [answer, answer];
    const page = await browser.open();
    await page.publish("page_viewed");
    await browser.advance(10_000);
    assert.equal(browser.sent.length, 3);
    assert.equal(new Set(browser.sent.map((sent) => sent.body)).size, 1);
    await browser.advance(60_000);
    assert.equal(browser.sent.length, 3);
  });
}

test("Retry-After is honoured before the next try", async () => {
  const browser = new Browser();
  browser.answers = [{ status: 503, headers: { "Retry-After": "7" } }];
  const page = await browser.open();
  await page.publish("page_viewed");
  await browser.advance(20_000);
  assert.equal(browser.sent.length, 2);
  const waitedMs = browser.sent[1]!.at - browser.sent[0]!.at;
  assert.ok(waitedMs >= 7000 && waitedMs <= 8000, `${waitedMs} ms`);
});

test("a Retry-After longer than a page lives is a rest that later events respect", async () => {
  const browser = new Browser();
  browser.answers = [{ status: 429, headers: { "Retry-After": "120" } }];
  const page = await browser.open();
  await page.publish("page_viewed");
  await browser.advance(60_000);
  await page.publish("page_viewed");
  await browser.advance(30_000);
  assert.equal(browser.sent.length, 1);
  await browser.advance(60_000);
  await page.publish("page_viewed");
  await browser.advance(1000);
  assert.equal(browser.events(1).length, 3);
});

test("a Retry-After in the form of a date is read, nonsense is not", async () => {
  for (const [header, least] of [["Sat, 21 Nov 2026 22:00:11 GMT", 10_000], ["soon", 0], ["-5", 0]] as const) {
    const browser = new Browser();
    browser.answers = [{ status: 503, headers: { "Retry-After": header } }];
    const page = await browser.open();
    await page.publish("page_viewed");
    await browser.advance(20_000);
    const waitedMs = browser.sent[1]!.at - browser.sent[0]!.at;
    assert.ok(waitedMs >= least && waitedMs <= least + 1000, `${header}: ${waitedMs} ms`);
  }
});

test("a final no is not repeated, and what follows still goes out", async () => {
  const browser = new Browser();
  browser.answers = [{ status: 400 }];
  const page = await browser.open();
  await page.publish("page_viewed");
  await browser.advance(1000);
  await page.publish("cart_viewed", { cart: null });
  await browser.advance(60_000);
  assert.deepEqual(browser.sent.map((_sent, index) => browser.events(index)[0]!["name"]), ["page_viewed", "cart_viewed"]);
  assert.equal(browser.events(1).length, 1);
});

test("after three tries the events wait for the next one", async () => {
  const browser = new Browser();
  browser.answers = ["network error", "network error", "network error"];
  const page = await browser.open();
  await page.publish("page_viewed");
  await browser.advance(60_000);
  assert.equal(browser.sent.length, 3);
  await page.publish("collection_viewed");
  await browser.advance(1000);
  assert.deepEqual(browser.events(3).map((event) => event["name"]), ["page_viewed", "collection_viewed"]);
});

test("a navigation loses nothing and repeats no id of an acknowledged event", async () => {
  const browser = new Browser();
  const first = await browser.open();
  await first.publish("page_viewed");
  const second = await browser.open();
  assert.equal(browser.sent.length, 1);
  await second.publish("page_viewed");
  await browser.advance(1000);
  const third = await browser.open();
  await third.publish("page_viewed");
  await browser.advance(1000);
  const ids = browser.sent.flatMap((_sent, index) => browser.events(index).map((event) => event["id"]));
  assert.equal(ids.length, 3);
  assert.equal(new Set(ids).size, 3);
});

test("the queue is bounded, and a completed checkout outlives the rest", async () => {
  const browser = new Browser();
  browser.answers = Array.from({ length: 3 }, () => "network error" as const);
  const page = await browser.open();
  await page.publish("checkout_completed", CHECKOUT);
  await browser.advance(60_000);
  for (let count = 0; count < 150; count += 1) await page.publish("page_viewed");
  await browser.advance(1000);
  const names = [3, 4, 5, 6, 7].flatMap((index) => browser.events(index).map((event) => event["name"]));
  assert.equal(browser.sent.length, 8);
  assert.equal(names.length, 100);
  assert.equal(names[0], "checkout_completed");
});

test("events older than the edge accepts are not sent", async () => {
  const browser = new Browser();
  await (await browser.open()).publish("page_viewed");
  browser.now += 7 * DAY_MS;
  await browser.open();
  await browser.advance(5000);
  assert.equal(browser.sent.length, 0);
});

test("nonsense in the storage is ignored", async () => {
  for (const text of ["{", "7", '{"id":1}', "[1,null,{}]", '["x"]']) {
    const browser = new Browser();
    browser.sessionStorage.items.set("storecast_queue", text);
    browser.sessionStorage.items.set("storecast_click", text);
    const page = await browser.open();
    await page.publish("page_viewed");
    await browser.advance(1000);
    assert.equal(browser.events(0).length, 1);
    assert.equal(browser.events(0)[0]!["click"], null);
  }
});

test("without storage it still sends", async () => {
  const browser = new Browser();
  browser.sessionStorage.isBroken = true;
  browser.localStorage.isBroken = true;
  const page = await browser.open({ href: LANDING });
  await page.publish("page_viewed");
  assert.equal(browser.events(0)[0]!["click"], TOKEN);
});

test("a landing is sent at once and names the message on later pages and in later tabs", async () => {
  const browser = new Browser();
  await (await browser.open({ href: LANDING })).publish("page_viewed");
  assert.equal(browser.events(0)[0]!["click"], TOKEN);
  await (await browser.open({ href: HOME })).publish("page_viewed");
  await browser.advance(1000);
  assert.equal(browser.events(1)[0]!["click"], TOKEN);
  browser.newTab();
  browser.now += 4 * DAY_MS;
  await (await browser.open({ href: HOME })).publish("page_viewed");
  await browser.advance(1000);
  assert.equal(browser.events(2)[0]!["click"], TOKEN);
});

test("a click is forgotten after five days, and a newer one replaces it", async () => {
  const browser = new Browser();
  const newer = TOKEN.replace(/^A/, "B");
  await (await browser.open({ href: LANDING })).publish("page_viewed");
  await (await browser.open({ href: LANDING.replace(TOKEN, newer) })).publish("page_viewed");
  assert.equal(browser.events(1)[0]!["click"], newer);
  browser.now += 5 * DAY_MS;
  await (await browser.open({ href: HOME })).publish("page_viewed");
  await browser.advance(1000);
  assert.equal(browser.events(2)[0]!["click"], null);
});

test("only what looks like a token is taken from the address or the storage", async () => {
  for (const bad of ["short", `${TOKEN}x`, `${TOKEN.slice(1)}%00`, ""]) {
    const browser = new Browser();
    browser.localStorage.items.set("storecast_click", JSON.stringify({ token: bad, at: browser.now }));
    const page = await browser.open({ href: `${HOME}?sc_click=${bad}` });
    await page.publish("page_viewed");
    await browser.advance(1000);
    assert.equal(browser.events(0)[0]!["click"], null);
  }
});

test("a stored click from the future is not believed", async () => {
  const browser = new Browser();
  browser.localStorage.items.set("storecast_click", JSON.stringify({ token: TOKEN, at: browser.now + 1 }));
  const page = await browser.open();
  await page.publish("page_viewed");
  await browser.advance(1000);
  assert.equal(browser.events(0)[0]!["click"], null);
});

test("without analytics consent nothing is sent and nothing is stored", async () => {
  const browser = new Browser();
  const page = await browser.open({ href: LANDING, consent: { analytics: false, marketing: false } });
  await page.publish("page_viewed");
  await page.publish("checkout_completed", CHECKOUT);
  await browser.advance(60_000);
  assert.equal(browser.sent.length, 0);
  assert.deepEqual([...browser.localStorage.items.keys()], []);
  assert.deepEqual(browser.sessionStorage.items.get("storecast_queue") ?? "[]", "[]");
  assert.equal(browser.sessionStorage.items.has("storecast_click"), false);
});

test("consent given on the page releases what happened before it, with the landing's click", async () => {
  const browser = new Browser();
  const page = await browser.open({ href: LANDING, consent: { analytics: false, marketing: false } });
  await page.publish("page_viewed");
  await page.consent(true, true);
  assert.deepEqual(browser.events(0).map((event) => [event["name"], event["click"]]), [["page_viewed", TOKEN]]);
  assert.deepEqual(browser.events(0)[0]!["consent"], { analytics: true, marketing: true });
  assert.ok(browser.localStorage.items.has("storecast_click"));
});

test("analytics consent alone sends events that do not name the message", async () => {
  const browser = new Browser();
  const page = await browser.open({ href: LANDING, consent: { analytics: true, marketing: false } });
  await page.publish("page_viewed");
  assert.equal(browser.events(0)[0]!["click"], null);
  assert.deepEqual(browser.events(0)[0]!["consent"], { analytics: true, marketing: false });
  assert.equal(browser.localStorage.items.has("storecast_click"), false);
});

test("withdrawn consent erases what waits and what is stored, and stops the retries", async () => {
  const browser = new Browser();
  browser.answers = ["network error"];
  const page = await browser.open({ href: LANDING });
  await page.publish("page_viewed");
  assert.equal(browser.sent.length, 1);
  await page.consent(false, false);
  await page.publish("page_viewed");
  await browser.advance(60_000);
  assert.equal(browser.sent.length, 1);
  assert.equal(browser.sessionStorage.items.get("storecast_queue"), "[]");
  assert.equal(browser.localStorage.items.has("storecast_click"), false);
  const next = await browser.open({ href: HOME });
  await next.publish("page_viewed");
  await browser.advance(1000);
  assert.equal(browser.events(1).length, 1);
  assert.equal(browser.events(1)[0]!["click"], null);
});

test("what waits for consent is bounded", async () => {
  const browser = new Browser();
  const page = await browser.open({ consent: { analytics: false, marketing: false } });
  for (let count = 0; count < 80; count += 1) await page.publish("page_viewed");
  await page.consent(true, true);
  await browser.advance(5000);
  const total = browser.sent.reduce((sum, _sent, index) => sum + browser.events(index).length, 0);
  assert.equal(total, 50);
});
