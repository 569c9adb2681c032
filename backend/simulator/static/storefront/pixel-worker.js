// What a strict web pixel finds in its worker: `shopify.extend`, and behind it events, storage and consent by message.
(() => {
  const registered = [];
  const subscribers = [];
  const consentSubscribers = [];
  const waiting = new Map();
  const past = [];
  let port = null;
  let lastCall = 0;

  self.shopify = {
    extend(point, callback) {
      if (point === "WebPixel::Render") registered.push(callback);
    },
  };

  function matches(wanted, event) {
    return wanted === event.name || wanted === "all_events" || wanted === `all_${event.type}_events`;
  }

  function subscribe(name, callback) {
    const subscriber = { name, callback };
    subscribers.push(subscriber);
    // What happened before the subscription is told as well.
    for (const event of past.filter((one) => matches(name, one))) tell(callback, event);
    return () => remove(subscribers, subscriber);
  }

  function remove(list, item) {
    const at = list.indexOf(item);
    if (at >= 0) list.splice(at, 1);
    return at >= 0;
  }

  async function tell(callback, event) {
    try {
      await callback(event);
    } catch (error) {
      console.error("web pixel:", error);
    }
  }

  function call(area, method, ...values) {
    return new Promise((resolve, reject) => {
      const id = ++lastCall;
      waiting.set(id, { resolve, reject });
      port.postMessage({ type: "call", id, area, method, values });
    });
  }

  const proxy = (area, methods) =>
    Object.fromEntries(methods.map((method) => [method, (...values) => call(area, method, ...values)]));
  const storage = ["clear", "getItem", "key", "length", "removeItem", "setItem"];

  const browser = {
    cookie: proxy("cookie", ["get", "set"]),
    localStorage: proxy("localStorage", storage),
    sessionStorage: proxy("sessionStorage", storage),
    sendBeacon: (url, body) =>
      fetch(url, { method: "POST", keepalive: true, body }).then(
        (response) => response.ok,
        () => false,
      ),
  };

  const hear = {
    start({ init, settings }) {
      const customerPrivacy = {
        subscribe(name, callback) {
          const subscriber = { name, callback };
          consentSubscribers.push(subscriber);
          return () => remove(consentSubscribers, subscriber);
        },
      };
      for (const callback of registered) {
        callback({ analytics: { subscribe }, browser, init, settings, customerPrivacy, _pixelInfo: {} });
      }
    },
    async event({ event }) {
      past.push(event);
      const called = subscribers.filter(({ name }) => matches(name, event));
      await Promise.all(called.map(({ callback }) => tell(callback, event)));
      port.postMessage({ type: "seen", id: event.id });
    },
    reply({ id, value, error }) {
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    },
    consent({ customerPrivacy }) {
      for (const { name, callback } of consentSubscribers) {
        if (name === "visitorConsentCollected") void tell(callback, { customerPrivacy });
      }
    },
  };

  self.addEventListener(
    "message",
    ({ ports }) => {
      port = ports[0];
      port.onmessage = ({ data }) => hear[data.type](data);
    },
    { once: true },
  );
})();
