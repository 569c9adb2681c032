/** A real Chromium, wherever this machine keeps one. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Path of a Chromium: `CHROMIUM`, else a usual place. Throws with what to do when there is none. */
export function findChromium(): string {
  const asked = process.env.CHROMIUM;
  if (asked) {
    if (!existsSync(asked)) throw new Error(`CHROMIUM=${asked} does not exist`);
    return asked;
  }
  const found = PLACES.find((path) => existsSync(path));
  if (!found)
    throw new Error(
      "No Chromium found. Install one (Debian: apt-get install chromium) or set CHROMIUM to its path.",
    );
  return found;
}

export function launch(): Promise<Browser> {
  // Containers run as root and with a small /dev/shm; both break Chromium's defaults.
  return chromium.launch({
    executablePath: findChromium(),
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}
