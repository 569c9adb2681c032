// The contextual save bar: `<ui-save-bar id>` with two buttons, `shopify.saveBar`, and `<form data-save-bar>`.
class SaveBarElement extends HTMLElement {
  showing = false;
  #watcher = new MutationObserver(() => this.showing && this.#tell());

  connectedCallback() {
    this.style.display = "none";
    this.#watcher.observe(this, { subtree: true, childList: true, attributes: true, characterData: true });
  }

  disconnectedCallback() {
    this.#watcher.disconnect();
    if (this.showing) void this.hide();
  }

  get discardConfirmation() {
    return this.hasAttribute("discardconfirmation");
  }

  set discardConfirmation(value) {
    this.toggleAttribute("discardconfirmation", Boolean(value));
  }

  get saveButton() {
    return this.querySelector('button[variant="primary"]');
  }

  get discardButton() {
    return this.querySelector('button:not([variant="primary"])');
  }

  async show() {
    if (this.showing) return;
    this.showing = true;
    openBar = { save: () => this.saveButton?.click(), discard: () => this.discardButton?.click() };
    this.#tell();
    this.dispatchEvent(new Event("show"));
  }

  async hide() {
    if (!this.showing) return;
    this.showing = false;
    closeBar();
    this.dispatchEvent(new Event("hide"));
  }

  async toggle() {
    await (this.showing ? this.hide() : this.show());
  }

  #tell() {
    const look = (button) => ({
      label: button?.textContent.trim() || undefined,
      disabled: button?.disabled ?? false,
      loading: button?.hasAttribute("loading") ?? false,
    });
    tell("saveBar.show", {
      save: look(this.saveButton),
      discard: look(this.discardButton),
      discardConfirmation: this.discardConfirmation,
    });
  }
}

let openBar = null;

function closeBar() {
  openBar = null;
  tell("saveBar.hide");
}

function barOf(id) {
  const element = document.getElementById(id);
  if (!(element instanceof SaveBarElement)) throw new Error(`App Bridge: no ui-save-bar with id "${id}"`);
  return element;
}

const saveBar = {
  show: async (id) => barOf(id).show(),
  // A page that is left takes its bar with it before it asks to hide it.
  hide: async (id) => document.getElementById(id)?.hide?.(),
  toggle: async (id) => barOf(id).toggle(),
  leaveConfirmation: async () => (openBar ? ask("saveBar.leave") : undefined),
};

on("saveBar.action", ({ action }) => openBar?.[action]?.());

function watchForms() {
  const formOf = (event) => event.target.closest?.("form[data-save-bar]");
  const show = (event) => {
    const form = formOf(event);
    if (!form) return;
    openBar = { save: () => form.requestSubmit(), discard: () => form.reset() };
    tell("saveBar.show", { save: {}, discard: {}, discardConfirmation: "discardConfirmation" in form.dataset });
  };
  const hide = (event) => formOf(event) && openBar && closeBar();
  for (const type of ["input", "change"]) document.addEventListener(type, show);
  for (const type of ["submit", "reset"]) document.addEventListener(type, hide);
}
