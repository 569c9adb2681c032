import { expect, test } from "vitest";
import { findShopDomain } from "./signIn";

test.each([
  "cdnow",
  " CDNOW ",
  "cdnow.myshopify.com",
  "https://cdnow.myshopify.com/",
  "https://cdnow.myshopify.com/admin/apps?x=1",
  "http://cdnow.myshopify.com#top",
  "https://admin.shopify.com/store/cdnow/apps",
])("names the store: %s", (typed) => {
  expect(findShopDomain(typed)).toBe("cdnow.myshopify.com");
});

test.each([
  "",
  "   ",
  "cdnow.com",
  "my store",
  "-cdnow",
  "cdnow.myshopify.com.evil.example",
  "evil.example/cdnow.myshopify.com",
  "someone@cdnow.myshopify.com",
  "https://",
])("names no store: %s", (typed) => {
  expect(findShopDomain(typed)).toBeNull();
});
