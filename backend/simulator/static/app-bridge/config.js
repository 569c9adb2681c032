// Who we are and who may talk to us. The admin shell is served from where this script comes from.
const script = document.currentScript;
const query = new URLSearchParams(location.search);
const isEmbedded = window.parent !== window;
const scriptOrigin = script?.src ? new URL(script.src).origin : location.origin;
const parentOrigin = findParentOrigin();

function remembered(name) {
  // A full page load inside the app drops the query; the tab remembers what the first page was given.
  const key = `app-bridge:${name}`;
  if (!isEmbedded) return undefined;
  try {
    const value = query.get(name) ?? sessionStorage.getItem(key);
    if (value) sessionStorage.setItem(key, value);
    return value ?? undefined;
  } catch {
    return query.get(name) ?? undefined;
  }
}

function findParentOrigin() {
  // `localhost` and `127.0.0.1` name one machine: whichever the person typed, the port must be the script's.
  const embedder = location.ancestorOrigins?.[0] ?? (document.referrer && new URL(document.referrer).origin);
  if (!embedder || embedder === "null") return scriptOrigin;
  const loopback = ["localhost", "127.0.0.1", "[::1]"];
  const theirs = new URL(embedder);
  const ours = new URL(scriptOrigin);
  const isSameMachine = loopback.includes(theirs.hostname) && loopback.includes(ours.hostname);
  return isSameMachine && theirs.port === ours.port ? embedder : scriptOrigin;
}

const config = {
  apiKey: document.querySelector('meta[name="shopify-api-key"]')?.content ?? script?.dataset.apiKey ?? "",
  shop: remembered("shop"),
  host: remembered("host"),
  locale: remembered("locale") ?? "en",
  appOrigins: [location.origin],
};
