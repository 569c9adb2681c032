import type { QueueRow } from "./api";

/** A queue that needs longer than this to empty is behind. */
const SLOW_MIN = 10;

export type Trouble = "nobody" | "paused" | "growing" | "slow";

/** What is wrong with a queue, the worst first; null when it keeps up. */
export function troubleOf(queue: QueueRow): Trouble | null {
  if (queue.depth === 0) return queue.paused ? "paused" : null;
  if (queue.paused) return "paused";
  if (queue.consumers === 0) return "nobody";
  if (queue.drain_min === null && queue.in_per_min > queue.out_per_min) return "growing";
  return queue.drain_min !== null && queue.drain_min > SLOW_MIN ? "slow" : null;
}

const RANK: readonly (Trouble | null)[] = ["nobody", "growing", "slow", "paused", null];

/** Queues in trouble first, the others as they came. */
export function worstFirst(queues: readonly QueueRow[]): QueueRow[] {
  return [...queues].sort((a, b) => RANK.indexOf(troubleOf(a)) - RANK.indexOf(troubleOf(b)));
}
