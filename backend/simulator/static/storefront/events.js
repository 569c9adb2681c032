// Customer events in the shape a pixel receives: who, when, where, and what happened.
export function createPublisher(page, host) {
  let seq = 0;

  /** `once` names what must be reported a single time in this tab, however often the page is loaded. */
  function publish(name, data, once) {
    if (once && sessionStorage.getItem(`published:${once}`)) return Promise.resolve();
    if (once) sessionStorage.setItem(`published:${once}`, "1");
    seq += 1;
    return host.deliver({
      id: uuid(),
      clientId: page.clientId,
      name,
      timestamp: new Date().toISOString(),
      seq,
      type: "standard",
      context: readContext(),
      data,
    });
  }

  return { publish };
}

export function readContext() {
  return {
    document: {
      characterSet: document.characterSet,
      location: copyLocation(),
      referrer: document.referrer,
      title: document.title,
    },
    navigator: {
      cookieEnabled: navigator.cookieEnabled,
      language: navigator.language,
      languages: [...navigator.languages],
      userAgent: navigator.userAgent,
    },
    window: {
      innerHeight,
      innerWidth,
      location: copyLocation(),
      origin,
      outerHeight,
      outerWidth,
      pageXOffset: scrollX,
      pageYOffset: scrollY,
      screen: { height: screen.height, width: screen.width },
      screenX,
      screenY,
      scrollX,
      scrollY,
    },
  };
}

function copyLocation() {
  const { hash, host, hostname, href, origin: own, pathname, port, protocol, search } = location;
  return { hash, host, hostname, href, origin: own, pathname, port, protocol, search };
}

/** `crypto.randomUUID` needs a secure context, which a shop under a plain host name is not. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
