/**
 * Server-sent events read by fetch: `EventSource` can send no header, and every request must carry a fresh ID token.
 * Invariants: one connection at a time, none while the tab is hidden or after `close`, and never a tight loop.
 */
import { authorisedFetch } from "@/lib/api/client";
import { asApiError } from "@/lib/api/errors";

export interface ServerEvent {
  event: string;
  data: string;
}

/**
 * "live": events arrive. "waiting": between two tries. "failing": several tries in a row came to nothing, so whoever
 * reads should ask by other means until it is live again. "hidden": the tab is in the background.
 */
export type StreamState = "connecting" | "live" | "waiting" | "failing" | "hidden";

/** The wire format of the HTML standard, fed in pieces as the network cuts them. */
export class EventParser {
  lastEventId = "";
  retryMs: number | null = null;
  private rest = "";
  private started = false;
  private event = "";
  private data: string[] = [];

  /** The events that this piece completes. */
  push(piece: string): ServerEvent[] {
    let text = this.rest + piece;
    if (!this.started && text.length > 0) {
      this.started = true;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    const events: ServerEvent[] = [];
    let start = 0;
    for (let at = 0; at < text.length; at += 1) {
      const char = text[at];
      if (char !== "\n" && char !== "\r") continue;
      // A carriage return at the very end may be the first half of a line end: wait for the next piece.
      if (char === "\r" && at === text.length - 1) break;
      const done = this.readLine(text.slice(start, at));
      if (done) events.push(done);
      if (char === "\r" && text[at + 1] === "\n") at += 1;
      start = at + 1;
    }
    this.rest = text.slice(start);
    return events;
  }

  private readLine(line: string): ServerEvent | null {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
    else if (field === "id" && !value.includes("\0")) this.lastEventId = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
    return null;
  }

  private dispatch(): ServerEvent | null {
    const { event, data } = this;
    this.event = "";
    this.data = [];
    return data.length > 0 ? { event: event || "message", data: data.join("\n") } : null;
  }
}

const BASE_MS = 1_000;
const CAP_MS = 60_000;
/** After so many tries in a row without an answer the reader is told to ask by other means. */
const FAILING_AFTER = 3;
/** The server says something every 15 s; three of those missing mean a dead link that nobody closed. */
const SILENCE_MS = 45_000;

/** Doubles with each failure; half of it is chance, so that tabs do not come back in step after a restart. */
export function backoffMs(
  failures: number,
  base: number = BASE_MS,
  random: () => number = Math.random,
): number {
  const full = Math.max(base, Math.min(CAP_MS, base * 2 ** Math.max(0, failures - 1)));
  return full / 2 + (full / 2) * random();
}

export interface StreamOptions {
  url: string;
  onEvent: (event: ServerEvent) => void;
  onState: (state: StreamState) => void;
  fetch?: (request: Request) => Promise<Response>;
  delay?: (failures: number, base?: number) => number;
}

/** Keeps the stream open until the returned function is called. */
export function openEventStream({
  url,
  onEvent,
  onState,
  fetch = authorisedFetch,
  delay = backoffMs,
}: StreamOptions): () => void {
  let parser = new EventParser();
  let connection: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let isClosed = false;

  function stop() {
    clearTimeout(timer);
    connection?.abort();
    connection = null;
  }

  async function read(response: Response, heard: () => void) {
    if (!response.body || !response.headers.get("content-type")?.startsWith("text/event-stream")) {
      throw new TypeError("not an event stream");
    }
    const reader = response.body.pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true })).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      for (const event of parser.push(value)) onEvent(event);
    }
  }

  async function connect() {
    stop();
    const own = new AbortController();
    connection = own;
    let wasLive = false;
    let silence = setTimeout(() => own.abort(), SILENCE_MS);
    if (failures < FAILING_AFTER) onState("connecting");
    // What was cut off in the middle is never completed by the next connection.
    const next = new EventParser();
    next.lastEventId = parser.lastEventId;
    next.retryMs = parser.retryMs;
    parser = next;
    try {
      const response = await fetch(
        new Request(new URL(url, window.location.origin), {
          signal: own.signal,
          cache: "no-store",
          headers: {
            accept: "text/event-stream",
            ...(parser.lastEventId ? { "last-event-id": parser.lastEventId } : {}),
          },
        }),
      );
      await read(response, () => {
        clearTimeout(silence);
        silence = setTimeout(() => own.abort(), SILENCE_MS);
        if (wasLive) return;
        wasLive = true;
        failures = 0;
        onState("live");
      });
    } catch (cause) {
      // What no repetition mends is as good as gone: say so at once, and look again once in a while.
      const problem = asApiError(cause);
      if (problem.status >= 400 && problem.status !== 401 && !problem.mayPass) failures = FAILING_AFTER;
    } finally {
      clearTimeout(silence);
    }
    if (isClosed || connection !== own) return;
    // The server ends a stream after some minutes on purpose: that is no failure.
    if (!wasLive) failures += 1;
    onState(failures >= FAILING_AFTER ? "failing" : "waiting");
    timer = setTimeout(() => void connect(), delay(failures, parser.retryMs ?? BASE_MS));
  }

  function follow() {
    if (document.hidden) {
      stop();
      onState("hidden");
    } else if (!connection) {
      failures = 0;
      void connect();
    }
  }

  document.addEventListener("visibilitychange", follow);
  follow();
  return () => {
    isClosed = true;
    document.removeEventListener("visibilitychange", follow);
    stop();
  };
}
