import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { isStorefrontEvent, PIXEL_VERSION, toWire, type Given, type StorefrontEvent, type WireEvent } from "../src/wire";

interface Golden {
  readonly given: Pick<Given, "id" | "consent" | "click"> & {
    readonly customer_id: string | null;
    readonly cart_id: string | null;
  };
  readonly input: StorefrontEvent;
  readonly wire: WireEvent;
}

const NOW = Date.parse("2026-11-21T23:00:00.000Z");

function golden(name: string): Golden {
  return JSON.parse(readFileSync(`golden/${name}`, "utf8")) as Golden;
}

function wire({ given, input }: Golden): WireEvent {
  const { customer_id: customerId, cart_id: cartId, ...rest } = given;
  return toWire(input, { ...rest, customerId, cartId, now: NOW });
}

const files = readdirSync("golden");

for (const file of files) {
  test(`golden ${file}`, () => {
    const example = golden(file);
    assert.deepEqual(wire(example), example.wire);
  });
}

test("every event that is sent has a golden file, and nothing else has", () => {
  assert.equal(files.length, 13);
  for (const file of files) {
    const { input } = golden(file);
    assert.equal(file, `${input.name}.json`);
    assert.ok(isStorefrontEvent(input));
  }
  for (const name of ["alert_displayed", "ui_extension_errored", "clicked", "toString", ""]) {
    assert.equal(isStorefrontEvent({ name }), false);
  }
});

test("the version on the wire is the package's", () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  assert.equal(PIXEL_VERSION, version);
});

test("a value is what the shop would print, whatever the float says", () => {
  const example = golden("product_viewed.json");
  for (let minor = 0; minor <= 100_000; minor += 7) {
    const printed = `${Math.floor(minor / 100)}.${String(minor % 100).padStart(2, "0")}`;
    const input = structuredClone(example.input);
    assert.ok(input.name === "product_viewed");
    input.data.productVariant.price.amount = minor / 100;
    assert.equal(wire({ ...example, input }).value, printed);
  }
});

test("three decimal places survive, a value that is no number is null", () => {
  const example = golden("product_viewed.json");
  for (const [amount, value] of [[1.125, "1.125"], ["7.5", "7.50"], [Number.NaN, null], ["x", null]] as const) {
    const input = structuredClone(example.input);
    assert.ok(input.name === "product_viewed");
    Object.assign(input.data.productVariant.price, { amount });
    assert.equal(wire({ ...example, input }).value, value);
  }
});

test("an unreadable instant becomes now", () => {
  const example = golden("page_viewed.json");
  const input = { ...example.input, timestamp: "yesterday" };
  assert.equal(wire({ ...example, input }).at, "2026-11-21T23:00:00.000Z");
});

test("addresses lose account and order tokens, odd schemes and excess length", () => {
  const example = golden("page_viewed.json");
  const cases: [string, string][] = [
    ["https://cdnow.example/account/reset/7001/5ecret", "https://cdnow.example/account"],
    ["https://cdnow.example/12/orders/5ecret/authenticate?key=k", "https://cdnow.example/12/orders"],
    ["blob:https://cdnow.example/1", ""],
    ["not an address", ""],
    [`https://cdnow.example/${"x".repeat(3000)}`, `https://cdnow.example/${"x".repeat(1024 - 22)}`],
  ];
  for (const [href, expected] of cases) {
    const input = structuredClone(example.input);
    Object.assign(input.context.document, { location: { href }, referrer: href });
    assert.equal(wire({ ...example, input }).url, expected);
    assert.equal(wire({ ...example, input }).referrer, expected);
  }
});
