/**
 * Sends the queue, one request at a time.
 *
 * Invariants: an event keeps its id and instant over every try, so that the edge can drop a repeat; a request is tried
 * at most `MAX_TRIES` times and never sooner than the edge asked, then its events wait for the next event or page.
 */
import type { Queue } from "./queue";

const BATCH_WINDOW_MS = 1_000;
const MAX_TRIES = 3;
const FIRST_DELAY_MS = 500;
// A worker rarely lives longer; a longer wait is kept as a rest that the next event respects.
const MAX_DELAY_MS = 30_000;
const PATH = "/pixel/v1/events";

type Outcome = { readonly done: true } | { readonly done: false; readonly retryAfterMs: number };

export class Sender {
  private readonly url: string;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private sending = false;
  private restUntil = 0;

  constructor(
    private readonly queue: Queue,
    endpoint: string,
    private readonly allowed: () => boolean,
  ) {
    this.url = endpoint.replace(/\/+$/, "") + PATH;
  }

  /** Sends within the batch window, or now. */
  schedule(isUrgent: boolean): void {
    if (isUrgent) {
      this.flush();
    } else if (this.timer === null) {
      this.timer = setTimeout(() => this.flush(), BATCH_WINDOW_MS);
    }
  }

  flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (!this.sending && Date.now() >= this.restUntil) void this.drain();
  }

  private async drain(): Promise<void> {
    this.sending = true;
    try {
      for (let batch = this.next(); batch !== null; batch = this.next()) {
        if (!(await this.deliver(batch.body))) return;
        this.queue.remove(batch.ids);
      }
    } finally {
      this.sending = false;
    }
  }

  private next(): ReturnType<Queue["batch"]> {
    return this.allowed() ? this.queue.batch() : null;
  }

  /** True when the edge has answered for good, with yes or with a no that another try would not change. */
  private async deliver(body: string): Promise<boolean> {
    for (let attempt = 0; attempt < MAX_TRIES && this.allowed(); attempt += 1) {
      const outcome = await this.post(body);
      if (outcome.done) return true;
      this.restUntil = Date.now() + outcome.retryAfterMs;
      if (outcome.retryAfterMs > MAX_DELAY_MS) return false;
      if (attempt + 1 < MAX_TRIES) await pause(outcome.retryAfterMs + jitterMs(attempt));
    }
    return false;
  }

  private async post(body: string): Promise<Outcome> {
    try {
      const response = await fetch(this.url, {
        method: "POST",
        keepalive: true,
        // text/plain needs no preflight, which a page being left would not wait for.
        headers: { "Content-Type": "text/plain" },
        body,
      });
      const isRetryable = response.status === 429 || response.status >= 500;
      return isRetryable
        ? { done: false, retryAfterMs: retryAfterMs(response.headers.get("Retry-After")) }
        : { done: true };
    } catch {
      return { done: false, retryAfterMs: 0 };
    }
  }
}

/** Full jitter, so that the visitors of a busy shop do not come back in one wave. */
function jitterMs(attempt: number): number {
  return Math.random() * FIRST_DELAY_MS * 2 ** (attempt + 1);
}

function retryAfterMs(header: string | null): number {
  if (header === null) return 0;
  const seconds = Number(header);
  const waitMs = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1_000;
  return waitMs > 0 ? waitMs : 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
