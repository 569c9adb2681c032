// Messages to and from the admin shell. A request carries an id and gets one reply.
const CHANNEL = "simulated-admin";
const waiting = new Map();
const heard = new Map();
let lastRequest = 0;

function tell(type, payload = {}) {
  if (isEmbedded) window.parent.postMessage({ channel: CHANNEL, type, ...payload }, parentOrigin);
}

function ask(type, payload = {}) {
  if (!isEmbedded) return Promise.reject(new Error(`App Bridge: ${type} needs the Shopify admin around this page`));
  return new Promise((resolve, reject) => {
    const id = ++lastRequest;
    waiting.set(id, { resolve, reject });
    tell(type, { ...payload, id });
  });
}

function on(type, listener) {
  heard.set(type, listener);
}

window.addEventListener("message", (event) => {
  const message = event.data;
  if (event.source !== window.parent || event.origin !== parentOrigin || message?.channel !== CHANNEL) return;
  if (message.type !== "reply") {
    heard.get(message.type)?.(message);
    return;
  }
  const request = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.error === undefined) request?.resolve(message.value);
  else request?.reject(new Error(message.error));
});
