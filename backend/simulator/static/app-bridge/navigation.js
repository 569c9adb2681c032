// The app's menu in the admin's sidebar, and the address bar above the frame.
const OWN_PARAMETERS = ["shop", "host", "id_token", "embedded", "locale", "session", "timestamp", "hmac"];

class NavElement extends HTMLElement {
  #watcher = new MutationObserver(() => this.#tell());

  connectedCallback() {
    this.style.display = "none";
    this.#watcher.observe(this, { subtree: true, childList: true, attributes: true, characterData: true });
    this.#tell();
  }

  disconnectedCallback() {
    this.#watcher.disconnect();
    tell("nav.set", { items: [] });
  }

  find(path) {
    return this.links().find((link) => plainPath(link.getAttribute("href")) === path);
  }

  links() {
    return [...this.querySelectorAll("a[href], s-link[href]")];
  }

  #tell() {
    const items = this.links()
      .filter((link) => link.getAttribute("rel") !== "home")
      .map((link) => ({ label: link.textContent.trim(), path: plainPath(link.getAttribute("href")) }));
    tell("nav.set", { items });
  }
}

function plainPath(href) {
  const url = new URL(href, location.origin);
  for (const name of OWN_PARAMETERS) url.searchParams.delete(name);
  return url.pathname + url.search + url.hash;
}

function report() {
  tell("location", { path: plainPath(location.href), title: document.title });
}

function go(path) {
  const link = [...document.querySelectorAll("s-app-nav, ui-nav-menu")].map((nav) => nav.find?.(path)).find(Boolean);
  if (link && wasRouted(link)) return;
  const event = new CustomEvent("shopify:navigate", { bubbles: true, cancelable: true, detail: { href: path } });
  const target = link ?? document;
  const before = location.href;
  const wasHandled = !target.dispatchEvent(event) || location.href !== before;
  // Nobody routes on the client: load the page. Its document request comes back through the bounce page.
  if (!wasHandled) location.assign(path);
}

/** A client-side router answers a click on its own link; the browser must not follow it as well. */
function wasRouted(link) {
  let isPrevented = false;
  const last = (event) => {
    isPrevented = event.defaultPrevented;
    event.preventDefault();
  };
  window.addEventListener("click", last, { once: true });
  link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, button: 0 }));
  window.removeEventListener("click", last);
  return isPrevented;
}

on("navigate", ({ path }) => go(path));

function watchHistory() {
  for (const name of ["pushState", "replaceState"]) {
    const original = history[name].bind(history);
    history[name] = (...values) => {
      original(...values);
      // Routers set the title after the address.
      setTimeout(report);
    };
  }
  window.addEventListener("popstate", () => setTimeout(report));
  window.addEventListener("hashchange", report);
  const titles = new MutationObserver(report);
  if (document.head) titles.observe(document.head, { subtree: true, childList: true, characterData: true });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="shopify:"]');
  if (!link || !isEmbedded) return;
  event.preventDefault();
  tell("open", { href: link.getAttribute("href") });
});
