/** Wall-clock time in a time zone ↔ the instant it names. */

function offsetMs(instant: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(instant);
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value ?? 0);
  const wall = Date.UTC(
    part("year"),
    part("month") - 1,
    part("day"),
    part("hour"),
    part("minute"),
    part("second"),
  );
  return wall - Math.floor(instant / 1000) * 1000;
}

/** "2026-11-27T09:00" as the shop's clock shows it → the instant in UTC. A skipped hour moves forward. */
export function zonedToUtc(wall: string, timeZone: string): string {
  const asUtc = Date.parse(`${wall}:00Z`);
  // The offset is asked twice because the first answer is that of a moment up to a day away.
  const guess = asUtc - offsetMs(asUtc, timeZone);
  return new Date(asUtc - offsetMs(guess, timeZone)).toISOString();
}

/** The instant as the shop's clock shows it, in the form that a datetime-local field takes. */
export function utcToZoned(instant: number, timeZone: string): string {
  return new Date(instant + offsetMs(instant, timeZone)).toISOString().slice(0, 16);
}
