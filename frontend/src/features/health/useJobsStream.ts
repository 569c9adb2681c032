import { useSyncExternalStore } from "react";
import { openEventStream, type StreamState } from "@/lib/eventStream";
import { useIsOperator } from "@/lib/useSession";
import { type JobsSnapshot, POLL_MS, pollSnapshot } from "./api";

export interface JobsStream {
  /** Null until the first one arrives. */
  snapshot: JobsSnapshot | null;
  /** Whether news comes by itself; while it does not, pages ask for theirs every few seconds. */
  isLive: boolean;
  state: StreamState;
}

const IDLE: JobsStream = { snapshot: null, isLive: false, state: "connecting" };

interface Poll {
  controller: AbortController;
  timer?: ReturnType<typeof setTimeout>;
}

/** One connection however many components read it; it closes when the last of them is gone. */
function createFeed(isOperator: boolean) {
  const readers = new Set<() => void>();
  let current = IDLE;
  let close: (() => void) | null = null;
  let poll: Poll | null = null;

  function publish(change: Partial<JobsStream>) {
    current = { ...current, ...change };
    for (const read of readers) read();
  }

  function stopPolling() {
    poll?.controller.abort();
    clearTimeout(poll?.timer);
    poll = null;
  }

  function startPolling() {
    if (poll) return;
    const own: Poll = { controller: new AbortController() };
    poll = own;
    const ask = async () => {
      const snapshot = await pollSnapshot(isOperator, own.controller.signal).catch(() => null);
      if (poll !== own) return;
      if (snapshot) publish({ snapshot });
      own.timer = setTimeout(() => void ask(), POLL_MS);
    };
    void ask();
  }

  function open() {
    close = openEventStream({
      url: "/api/v1/jobs/stream",
      onEvent: ({ event, data }) => {
        if (event === "snapshot") publish({ snapshot: JSON.parse(data) as JobsSnapshot });
      },
      onState: (state) => {
        if (state === "failing") startPolling();
        else if (state === "live" || state === "hidden") stopPolling();
        publish({ state, isLive: state === "live" });
      },
    });
  }

  function shut() {
    if (readers.size > 0) return;
    stopPolling();
    close?.();
    close = null;
    current = IDLE;
  }

  return {
    get: () => current,
    subscribe(read: () => void) {
      readers.add(read);
      if (!close) open();
      return () => {
        readers.delete(read);
        // A change of page lets go of the last reader a moment before the next page takes hold.
        setTimeout(shut, 0);
      };
    },
  };
}

const feeds = { operator: createFeed(true), shop: createFeed(false) };

/** The live picture of jobs, shared by every component that asks. */
export function useJobsStream(): JobsStream {
  const feed = useIsOperator() ? feeds.operator : feeds.shop;
  return useSyncExternalStore(feed.subscribe, feed.get);
}
