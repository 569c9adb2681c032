import createClient from "openapi-fetch";
import type { paths } from "@/generated/api";
import { fetchIdToken } from "@/lib/appBridge";
import { ApiError, readProblem } from "./errors";

/** Sent on an ID token that the API found stale: the same request may be tried once with a new token. */
const RETRY_HEADER = "x-shopify-retry-invalid-session-request";

async function send(request: Request): Promise<Response> {
  const token = await fetchIdToken();
  if (token) request.headers.set("Authorization", `Bearer ${token}`);
  // A plain form of another site cannot set this header, so a cookie session with it is ours.
  else request.headers.set("X-Storecast-CSRF", "1");
  // What the API says in words is in the page's language, which need not be the browser's.
  request.headers.set("Accept-Language", document.documentElement.lang || "en");
  try {
    return await fetch(request);
  } catch (cause) {
    if (request.signal.aborted) throw cause;
    throw new ApiError({ status: 0, code: "network", title: "No reply from Storecast" });
  }
}

/** Fetch that carries the caller's proof of identity and throws `ApiError` for every reply outside 2xx. */
export async function authorisedFetch(request: Request): Promise<Response> {
  const again = request.clone();
  let response = await send(request);
  if (response.status === 401 && response.headers.has(RETRY_HEADER)) response = await send(again);
  if (!response.ok) throw await readProblem(response);
  return response;
}

export const api = createClient<paths>({ baseUrl: globalThis.location?.origin, fetch: authorisedFetch });

/** The body of a successful call; failed calls have already thrown in `authorisedFetch`. */
export async function body<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data } = await call;
  return data as T;
}
