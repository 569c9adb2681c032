/** Looking at pages: pictures at both widths, and what must hold on each. */
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Frame, Page } from "playwright-core";

export const WIDTHS = [1280, 390] as const;

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Waits until nothing on the page says that it is still loading. */
export async function settle(target: Page | Frame): Promise<void> {
  await target.waitForFunction(() => {
    const root = document.querySelector("#main");
    return root !== null && root.querySelector('[aria-busy="true"]') === null && root.textContent !== "";
  });
  await target.evaluate(() => document.fonts.ready);
  // Charts draw one frame after their data.
  await target.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
}

/** How far a page scrolls sideways; 0 is right. */
export function overflowOf(target: Page | Frame): Promise<number> {
  return target.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Serious and critical WCAG 2.1 AA problems, with the elements that have them. */
export async function seriousProblems(target: Page | Frame): Promise<string[]> {
  // Evaluated, not added: the pages' content policy allows no script of others.
  await target.evaluate(await readFile(AXE, "utf8"));
  return target.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
      // A message's own HTML is its author's.
      iframes: false,
    });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
  });
}

export interface Look {
  name: string;
  width: number;
  overflow_px: number;
  problems: string[];
}

/**
 * Pictures of the page at every width into `folder`, and what is wrong with it at each.
 * `inner` is the app's frame where the page is the admin around it.
 */
export async function look(
  page: Page,
  folder: string,
  name: string,
  inner: Page | Frame = page,
): Promise<Look[]> {
  await mkdir(folder, { recursive: true });
  const looks: Look[] = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
    await settle(inner);
    await inner.evaluate(() => window.scrollTo(0, 0));
    await page.screenshot({
      path: join(folder, `${name}-${width}.png`),
      fullPage: inner === page,
      animations: "disabled",
    });
    looks.push({ name, width, overflow_px: await overflowOf(inner), problems: await seriousProblems(inner) });
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  return looks;
}
