import { useRef } from "react";

/** Long enough to smooth over one slow page, short enough to follow a change of pace. */
const WINDOW_MS = 15_000;

interface Sample {
  at: number;
  count: number;
}

export function rateOf(samples: readonly Sample[]): number | null {
  const first = samples[0];
  const last = samples[samples.length - 1];
  if (!first || !last || last.at - first.at < 500 || last.count <= first.count) return null;
  return ((last.count - first.count) * 1000) / (last.at - first.at);
}

/** Units per second that a polled counter moves at, or null while two readings do not yet tell. */
export function useRate(count: number, readAt: number): number | null {
  const samples = useRef<Sample[]>([]);
  const last = samples.current[samples.current.length - 1];
  if (last && count < last.count) samples.current = [];
  if (!last || readAt > last.at) {
    samples.current = [
      ...samples.current.filter((sample) => readAt - sample.at < WINDOW_MS),
      { at: readAt, count },
    ];
  }
  return rateOf(samples.current);
}
