// What the app sees as `window.shopify`, inside the admin only. Elsewhere this script leaves the page as it found it.
function start() {
  window.shopify = {
    config,
    origin: parentOrigin,
    ready: Promise.resolve(),
    environment: { embedded: true, mobile: /Shopify Mobile/.test(navigator.userAgent), pos: false, intent: false },
    idToken: freshToken,
    user: () => ask("user"),
    loading: (isLoading = true) => tell("loading", { isLoading: Boolean(isLoading) }),
    toast,
    saveBar,
    scopes: {
      query: () => ask("scopes.query"),
      request: (scopes) => ask("scopes.request", { scopes: [...scopes] }),
      revoke: (scopes) => ask("scopes.revoke", { scopes: [...scopes] }),
    },
    app: { extensions: async () => [] },
    reviews: { request: async () => ({ success: false, code: "annual-limit-reached", message: "Simulated" }) },
    support: { registerHandler: async () => {} },
    webVitals: { onReport: async () => {} },
  };
  window.fetch = fetchWithToken;

  const target = query.get("shopify-reload");
  if (target) {
    void bounce(target);
    return;
  }
  customElements.define("ui-save-bar", SaveBarElement);
  customElements.define("ui-nav-menu", NavElement);
  customElements.define("s-app-nav", class extends NavElement {});
  watchHistory();
  watchForms();
  tell("ready");
  report();
}

if (isEmbedded) start();
