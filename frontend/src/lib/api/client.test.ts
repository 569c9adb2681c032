import { HttpResponse, http } from "msw";
import { afterEach, expect, test, vi } from "vitest";
import { problem } from "@/testing/handlers";
import { server } from "@/testing/server";
import { api, body } from "./client";
import { ApiError } from "./errors";

const URL_PATTERN = "*/api/v1/workers";
const read = () => body(api.GET("/api/v1/workers"));

afterEach(() => vi.unstubAllGlobals());

function embed(...tokens: string[]) {
  vi.stubGlobal("shopify", { idToken: async () => tokens.shift() });
}

test("inside the admin every request carries a fresh ID token", async () => {
  const seen: (string | null)[] = [];
  server.use(
    http.get(URL_PATTERN, ({ request }) => {
      seen.push(request.headers.get("authorization"), request.headers.get("x-storecast-csrf"));
      return HttpResponse.json({});
    }),
  );
  embed("one", "two");
  await read();
  await read();
  expect(seen).toEqual(["Bearer one", null, "Bearer two", null]);
});

test("outside the admin a request carries the header that a foreign form cannot set", async () => {
  const seen: (string | null)[] = [];
  server.use(
    http.get(URL_PATTERN, ({ request }) => {
      seen.push(request.headers.get("authorization"), request.headers.get("x-storecast-csrf"));
      return HttpResponse.json({});
    }),
  );
  await read();
  expect(seen).toEqual([null, "1"]);
});

test("a request asks for the page's language", async () => {
  const seen: (string | null)[] = [];
  server.use(
    http.get(URL_PATTERN, ({ request }) => {
      seen.push(request.headers.get("accept-language"));
      return HttpResponse.json({});
    }),
  );
  const { lang } = document.documentElement;
  document.documentElement.lang = "de";
  await read();
  document.documentElement.lang = "";
  await read();
  document.documentElement.lang = lang;
  expect(seen).toEqual(["de", "en"]);
});

test("a token that the API calls stale is replaced once", async () => {
  const seen: (string | null)[] = [];
  server.use(
    http.get(URL_PATTERN, ({ request }) => {
      seen.push(request.headers.get("authorization"));
      return seen.length === 1
        ? new HttpResponse(null, { status: 401, headers: { "X-Shopify-Retry-Invalid-Session-Request": "1" } })
        : HttpResponse.json({});
    }),
  );
  embed("stale", "fresh");
  await read();
  expect(seen).toEqual(["Bearer stale", "Bearer fresh"]);
});

test("a problem document becomes an error with its code, request id and fields", async () => {
  const errors = [{ pointer: "/name", message: "Too long", code: "too_long" }];
  server.use(http.get(URL_PATTERN, () => problem(422, { code: "invalid", errors })));
  const error = await read().catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({
    status: 422,
    code: "invalid",
    requestId: "req_test_123",
    fields: errors,
    mayPass: false,
  });
});

test("a reply that is no problem document, and no reply at all, are told apart", async () => {
  server.use(
    http.get(
      URL_PATTERN,
      () => new HttpResponse("<html>", { status: 502, headers: { "x-request-id": "req_proxy" } }),
    ),
  );
  await expect(read()).rejects.toMatchObject({ code: "unreadable", requestId: "req_proxy", mayPass: true });
  server.use(http.get(URL_PATTERN, () => HttpResponse.error()));
  await expect(read()).rejects.toMatchObject({ code: "network", status: 0, mayPass: true });
});
