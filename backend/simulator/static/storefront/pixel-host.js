// The page's side of the pixel: a sandboxed frame of no origin starts a worker from the app's bundle; the page
// hands it events and answers its calls for cookies and storage, each under this shop's own names.
import { readContext } from "./events.js";

const ACKNOWLEDGE_WITHIN_MS = 400;

export function createPixelHost(page) {
  const seen = [];
  const waiting = new Map();
  let consent = { ...page.consent };
  let port = null;
  let frame = null;

  const browser = browserOf(page);

  function isAllowed() {
    return page.pixel !== null && page.pixel.needs.every((purpose) => consent[purpose]);
  }

  async function start() {
    if (frame || !isAllowed()) return;
    frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.className = "pixel-frame";
    frame.title = "Web pixel";
    frame.setAttribute("aria-hidden", "true");
    const texts = ["/static/storefront/pixel-worker.js", page.pixel.bundle].map(readText);
    frame.srcdoc = `<script>${await readText("/static/storefront/pixel-sandbox.js")}</script>`;
    const [runtime, bundle] = await Promise.all(texts);
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
    document.body.append(frame);
    await loaded;
    const channel = new MessageChannel();
    port = channel.port1;
    port.onmessage = ({ data }) => hear(data);
    // A frame of no origin can only be addressed as "*"; it holds nothing but the sandbox just written into it.
    frame.contentWindow.postMessage({ runtime, bundle }, "*", [channel.port2]);
    port.postMessage({ type: "start", init: init(), settings: page.pixel.settings });
    for (const event of seen) port.postMessage({ type: "event", event });
  }

  function init() {
    return { context: readContext(), data: page.data, customerPrivacy: privacyOf(consent) };
  }

  /** Resolves once the pixel's callbacks have run, or soon after, so that a page that leaves can wait for it. */
  function deliver(event) {
    seen.push(event);
    if (!port) return Promise.resolve();
    port.postMessage({ type: "event", event });
    return new Promise((resolve) => {
      waiting.set(event.id, resolve);
      setTimeout(resolve, ACKNOWLEDGE_WITHIN_MS);
    });
  }

  async function hear(message) {
    if (message.type === "seen") {
      waiting.get(message.id)?.();
      waiting.delete(message.id);
    } else if (message.type === "call") {
      const { id, area, method, values } = message;
      try {
        port.postMessage({ type: "reply", id, value: browser[area][method](...values) });
      } catch (error) {
        port.postMessage({ type: "reply", id, error: String(error) });
      }
    }
  }

  async function setConsent(changed) {
    consent = { ...consent, ...changed };
    port?.postMessage({ type: "consent", customerPrivacy: privacyOf(consent) });
    await start();
  }

  void start();
  return { deliver, setConsent };
}

function privacyOf(consent) {
  return {
    analyticsProcessingAllowed: consent.analytics,
    marketingAllowed: consent.marketing,
    preferencesProcessingAllowed: consent.preferences,
    saleOfDataAllowed: consent.sale_of_data,
  };
}

function browserOf(page) {
  return {
    localStorage: storageOf(localStorage, `${page.shop}:`),
    sessionStorage: storageOf(sessionStorage, `${page.shop}:`),
    cookie: {
      get: (name) => {
        if (!name) return document.cookie;
        const start = `${encodeURIComponent(name)}=`;
        const found = document.cookie.split("; ").find((pair) => pair.startsWith(start));
        return found ? decodeURIComponent(found.slice(start.length)) : "";
      },
      set: (nameOrCookie, value) => {
        const pair =
          value === undefined ? nameOrCookie : `${encodeURIComponent(nameOrCookie)}=${encodeURIComponent(value)}`;
        document.cookie = `${pair}; path=${page.base}; SameSite=Lax`;
        return document.cookie;
      },
    },
  };
}

/** Every shop of the simulator shares one host; on the platform each has its own storage. */
function storageOf(storage, prefix) {
  const ours = () =>
    Object.keys(storage)
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  return {
    clear: () => ours().forEach((key) => storage.removeItem(prefix + key)),
    getItem: (key) => storage.getItem(prefix + key),
    key: (index) => ours()[index] ?? null,
    length: () => ours().length,
    removeItem: (key) => storage.removeItem(prefix + key),
    setItem: (key, value) => storage.setItem(prefix + key, value),
  };
}

async function readText(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.text();
}
