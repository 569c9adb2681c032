import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { server } from "./server";

// Pages are loaded in chunks and answered by a mock over real promises; two shared cores can be slow.
configure({ asyncUtilTimeout: 10_000 });

// jsdom draws nothing, so what Polaris and the charts measure with does not exist there.
vi.stubGlobal("matchMedia", (query: string) => ({
  matches: false,
  media: query,
  addEventListener: () => {},
  removeEventListener: () => {},
  addListener: () => {},
  removeListener: () => {},
  dispatchEvent: () => false,
}));
class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
  takeRecords() {
    return [];
  }
}
vi.stubGlobal("ResizeObserver", Observer);
vi.stubGlobal("IntersectionObserver", Observer);
Element.prototype.getBoundingClientRect = () => new DOMRect(0, 0, 600, 300);
// Polaris opens no menu at a button that is not displayed, and closes it on a page of no height.
Object.defineProperty(HTMLElement.prototype, "offsetParent", {
  get(this: HTMLElement) {
    return this.parentElement;
  },
  configurable: true,
});
Object.defineProperty(document.body, "scrollHeight", { value: 768, configurable: true });
window.scrollTo = () => {};
window.scroll = () => {};
Element.prototype.scrollIntoView = () => {};
Element.prototype.scrollBy = () => {};

beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => {
  cleanup();
  server.resetHandlers();
  localStorage.clear();
});
afterAll(() => server.close());
