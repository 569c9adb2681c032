/** `part / whole`, or null when there is nothing to divide by: a rate of nothing is unknown, not zero. */
export function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}
