import { expect, test } from "vitest";
import { utcToZoned, zonedToUtc } from "./zoned";

test.each([
  ["2026-11-27T09:00", "America/New_York", "2026-11-27T14:00:00.000Z"],
  ["2026-07-01T09:00", "America/New_York", "2026-07-01T13:00:00.000Z"],
  ["2026-11-01T00:30", "America/New_York", "2026-11-01T04:30:00.000Z"],
  ["2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00.000Z"],
  ["2026-05-05T05:45", "Asia/Kathmandu", "2026-05-05T00:00:00.000Z"],
])("%s in %s is %s", (wall, zone, instant) => {
  expect(zonedToUtc(wall, zone)).toBe(instant);
});

test("a clock time that exists comes back as it was", () => {
  const wall = "2026-11-27T09:00";
  expect(utcToZoned(Date.parse(zonedToUtc(wall, "America/New_York")), "America/New_York")).toBe(wall);
});
