/**
 * A strict sandbox in miniature: the built bundle runs in a bare context whose clock, storage and network are ours.
 */
import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";
import { createContext, runInContext } from "node:vm";

export const BUNDLE = "dist/web-pixel.js";
export const TOKEN = "AAAAAQAAAAAAAAAHAAAAAAAAACr0ZQk1bX3cVq9R";
export const ENDPOINT = "https://edge.example/";
export const ACCOUNT = "pk_cdnow_0001";

export interface Sent {
  readonly url: string;
  readonly method: string;
  readonly keepalive: boolean;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly at: number;
}

/** What the edge answers: a status with headers, or a broken line. */
export type Answer = { readonly status: number; readonly headers?: Record<string, string> } | "network error";

export class MemoryStorage {
  readonly items = new Map<string, string>();
  isBroken = false;

  async getItem(key: string): Promise<string | null> {
    if (this.isBroken) throw new Error("storage is off");
    return this.items.get(key) ?? null;
  }

  async setItem(key: string, value: string): Promise<void> {
    if (this.isBroken) throw new Error("storage is off");
    this.items.set(key, value);
  }

  async removeItem(key: string): Promise<void> {
    this.items.delete(key);
  }
}

interface Timer {
  readonly id: number;
  readonly due: number;
  readonly run: () => void;
}

interface PageOptions {
  readonly href?: string;
  readonly consent?: { readonly analytics: boolean; readonly marketing: boolean };
  readonly settings?: Record<string, unknown>;
}

/** One visitor's browser: its storage outlives pages, its clock is moved by hand. */
export class Browser {
  now = Date.parse("2026-11-21T22:00:00.000Z");
  readonly sent: Sent[] = [];
  answers: Answer[] = [];
  sessionStorage = new MemoryStorage();
  readonly localStorage = new MemoryStorage();
  private timers: Timer[] = [];
  private nextTimer = 1;

  /** Leaving a page ends its worker: its timers never fire. */
  async open(options: PageOptions = {}): Promise<Page> {
    this.timers = [];
    const page = new Page(this, options);
    await settle();
    return page;
  }

  /** A new tab has its own session storage. */
  newTab(): void {
    this.sessionStorage = new MemoryStorage();
  }

  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    await settle();
    for (let timer = this.dueBy(end); timer !== undefined; timer = this.dueBy(end)) {
      const due = timer;
      this.timers = this.timers.filter((other) => other !== due);
      this.now = Math.max(this.now, due.due);
      due.run();
      await settle();
    }
    this.now = end;
  }

  events(index: number): Record<string, unknown>[] {
    const sent = this.sent[index];
    if (sent === undefined) throw new Error(`request ${index} was not sent`);
    return (JSON.parse(sent.body) as { events: Record<string, unknown>[] }).events;
  }

  startTimer(run: () => void, ms: number): number {
    const id = this.nextTimer;
    this.nextTimer += 1;
    this.timers.push({ id, due: this.now + ms, run });
    return id;
  }

  stopTimer(id: number): void {
    this.timers = this.timers.filter((timer) => timer.id !== id);
  }

  private dueBy(end: number): Timer | undefined {
    return this.timers.filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0];
  }
}

export class Page {
  readonly subscribed: string[] = [];
  readonly listeners = new Map<string, () => void>();
  extensionPoint: string | null = null;
  private onEvent: ((event: unknown) => void) | null = null;
  private onConsent: ((event: unknown) => void) | null = null;
  private seq = 0;

  constructor(
    private readonly browser: Browser,
    private readonly options: PageOptions,
  ) {
    const context = createContext({
      shopify: { extend: this.extend.bind(this) },
      fetch: this.fetch.bind(this),
      setTimeout: (run: () => void, ms: number) => browser.startTimer(run, ms),
      clearTimeout: (id: number) => browser.stopTimer(id),
      addEventListener: (name: string, listener: () => void) => this.listeners.set(name, listener),
      crypto: webcrypto,
      URL,
      URLSearchParams,
      TextEncoder,
      clock: () => browser.now,
    });
    runInContext("Date.now = clock", context);
    runInContext(readFileSync(BUNDLE, "utf8"), context);
  }

  async publish(name: string, data: unknown = {}): Promise<void> {
    this.seq += 1;
    this.onEvent?.({
      id: `sh-${this.seq}`,
      clientId: "client-1",
      name,
      seq: this.seq,
      timestamp: new Date(this.browser.now).toISOString(),
      type: "standard",
      context: this.context(),
      data,
    });
    await settle();
  }

  async consent(analytics: boolean, marketing: boolean): Promise<void> {
    this.onConsent?.(privacy(analytics, marketing));
    await settle();
  }

  private extend(point: string, extend: (api: unknown) => void): void {
    this.extensionPoint = point;
    const { analytics, marketing } = this.options.consent ?? { analytics: true, marketing: true };
    extend({
      analytics: {
        subscribe: (name: string, callback: (event: unknown) => void) => {
          this.subscribed.push(name);
          this.onEvent = callback;
        },
      },
      customerPrivacy: {
        subscribe: (_name: string, callback: (event: unknown) => void) => {
          this.onConsent = callback;
        },
      },
      browser: { sessionStorage: this.browser.sessionStorage, localStorage: this.browser.localStorage },
      init: { context: this.context(), data: { customer: null, cart: null }, ...privacy(analytics, marketing) },
      settings: this.options.settings ?? { accountID: ACCOUNT, endpoint: ENDPOINT },
    });
  }

  private context(): unknown {
    const location = new URL(this.options.href ?? "https://cdnow.example/");
    return { document: { location: { href: location.href, search: location.search }, referrer: "" } };
  }

  private async fetch(url: string, init: Omit<Sent, "url" | "at">): Promise<unknown> {
    this.browser.sent.push({ ...init, url, at: this.browser.now });
    const answer = this.browser.answers.shift() ?? { status: 202 };
    if (answer === "network error") throw new TypeError("Failed to fetch");
    const headers = answer.headers ?? {};
    return { status: answer.status, headers: { get: (name: string) => headers[name] ?? null } };
  }
}

function privacy(analytics: boolean, marketing: boolean): object {
  return {
    customerPrivacy: {
      analyticsProcessingAllowed: analytics,
      marketingAllowed: marketing,
      preferencesProcessingAllowed: false,
      saleOfDataAllowed: false,
    },
  };
}

/** Lets every promise that can settle without the clock do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
