/**
 * The events not yet acknowledged, mirrored in the tab's session storage so that a navigation loses none.
 *
 * Invariants: at most `MAX_EVENTS`; an event leaves only by acknowledgement, refusal, age, or the bound; a completed
 * checkout is the last to be dropped.
 */
import type { Browser } from "@shopify/web-pixels-extension";

import { WIRE_VERSION, type WireEvent } from "./wire";

const KEY = "storecast_queue";
const MAX_EVENTS = 100;
// The edge refuses what is older.
const MAX_AGE_MS = 7 * 24 * 60 * 60 * 1000;

export const MAX_BATCH_EVENTS = 20;
// Fetch refuses a heavier keepalive request, and so does the edge.
export const MAX_BODY_BYTES = 64 * 1024;

export interface Batch {
  readonly ids: ReadonlySet<string>;
  readonly body: string;
}

export class Queue {
  private events: WireEvent[] = [];
  private saving: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly storage: Browser["sessionStorage"],
    private readonly accountKey: string,
  ) {}

  get size(): number {
    return this.events.length;
  }

  /** Puts what an earlier page could not send in front of what this page has seen. */
  async restore(now: number): Promise<void> {
    const known = new Set(this.events.map((event) => event.id));
    const earlier = parsed(await this.storage.getItem(KEY).catch(() => null)).filter(
      (event) => !known.has(event.id) && now - Date.parse(event.at) < MAX_AGE_MS,
    );
    this.events = [...earlier, ...this.events];
    this.trim();
  }

  add(event: WireEvent): void {
    this.events.push(event);
    this.trim();
    this.save();
  }

  remove(ids: ReadonlySet<string>): void {
    this.events = this.events.filter((event) => !ids.has(event.id));
    this.save();
  }

  clear(): void {
    this.events = [];
    this.save();
  }

  /** The oldest events that fit into one request. */
  batch(): Batch | null {
    for (let count = Math.min(this.events.length, MAX_BATCH_EVENTS); count > 0; count -= 1) {
      const events = this.events.slice(0, count);
      const body = JSON.stringify({ v: WIRE_VERSION, key: this.accountKey, events });
      if (new TextEncoder().encode(body).length <= MAX_BODY_BYTES) {
        return { ids: new Set(events.map((event) => event.id)), body };
      }
    }
    // Even alone the first one is too heavy: nothing behind it may wait for it.
    this.events.shift();
    return this.events.length > 0 ? this.batch() : null;
  }

  private trim(): void {
    while (this.events.length > MAX_EVENTS) {
      const victim = this.events.findIndex((event) => event.name !== "checkout_completed");
      this.events.splice(Math.max(victim, 0), 1);
    }
  }

  /** Writes are chained: storage is asynchronous here, and an older list must not overwrite a newer one. */
  private save(): void {
    this.saving = this.saving.then(() =>
      this.storage.setItem(KEY, JSON.stringify(this.events)).catch(() => undefined),
    );
  }
}

/** The page can write there too; what does not look like ours is left out, the edge checks the rest. */
function parsed(text: string | null): WireEvent[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.filter(looksLikeEvent) : [];
  } catch {
    return [];
  }
}

function looksLikeEvent(value: unknown): value is WireEvent {
  if (typeof value !== "object" || value === null) return false;
  const event = value as Partial<Record<keyof WireEvent, unknown>>;
  return typeof event.id === "string" && typeof event.name === "string" && typeof event.at === "string";
}
