// ID tokens, and a fetch that carries them to the app's own backend.
const FRESH_ENOUGH_MS = 15_000;
let known = { token: "", expiresAt: 0 };
let arriving = null;

function freshToken() {
  // Ten requests at once share one token.
  arriving ??= ask("idToken")
    .then((token) => {
      known = { token, expiresAt: expiryOf(token) };
      return token;
    })
    .finally(() => {
      arriving = null;
    });
  return arriving;
}

async function usableToken() {
  return known.expiresAt - Date.now() > FRESH_ENOUGH_MS ? known.token : freshToken();
}

function expiryOf(token) {
  const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(atob(payload)).exp * 1000;
}

function isOurs(input, init) {
  const address = input instanceof Request ? input.url : new URL(input, document.baseURI).href;
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
  return new URL(address).origin === location.origin && !headers.has("Authorization");
}

function authorized(request, token) {
  request.headers.set("Authorization", `Bearer ${token}`);
  return request;
}

const plainFetch = window.fetch.bind(window);

async function fetchWithToken(input, init) {
  if (!isOurs(input, init)) return plainFetch(input, init);
  const request = new Request(input, init);
  const again = request.clone();
  let response = await plainFetch(authorized(request, await usableToken()));
  if (response.status === 401 && response.headers.get("X-Shopify-Retry-Invalid-Session-Request") === "1") {
    response = await plainFetch(authorized(again, await freshToken()));
  }
  const consent = response.headers.get("X-Shopify-API-Request-Failure-Reauthorize-Url");
  if (consent) window.open(new URL(consent, location.href).href, "_top");
  return response;
}

async function bounce(target) {
  // The app could not tell who asked for a document: come back to it with a fresh token.
  const page = new URL(target, location.origin);
  if (page.origin !== location.origin) return;
  page.searchParams.set("id_token", await freshToken());
  location.replace(page.href);
}
