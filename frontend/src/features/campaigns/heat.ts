import type { Report } from "@/lib/api/types";

type Link = Report["links"][number];

const LINK = /^#link-(\d+)$/;

/** One hue from pale to full: tells apart in greyscale too. */
const HUE = "201, 84, 0";
const PALEST = 0.12;

const STYLE = `
[data-heat]{position:relative!important;outline:2px solid rgba(${HUE},.55);outline-offset:1px;cursor:default}
[data-heat-figure]{position:absolute!important;top:-10px;right:-6px;z-index:9;padding:1px 7px;border-radius:9px;
font:600 12px/16px system-ui,sans-serif!important;letter-spacing:0!important;text-transform:none!important;
white-space:nowrap;color:#fff!important;background:rgb(160,66,0)!important;text-decoration:none!important}
[data-heat="0"]{outline:1px dashed rgba(90,90,90,.5)}
[data-heat="0"]>[data-heat-figure]{background:rgb(97,97,97)!important}
`;

/** The message with each link coloured by the clicks of people and their number beside it. Its own links lead nowhere. */
export function heated(html: string, links: readonly Link[], format: (clicks: number) => string): string {
  const page = new DOMParser().parseFromString(html, "text/html");
  const byNumber = new Map(links.map((link) => [link.number, link.clicks]));
  const most = Math.max(1, ...byNumber.values());
  for (const anchor of page.querySelectorAll<HTMLElement>("a[href], area[href]")) {
    const number = LINK.exec(anchor.getAttribute("href") ?? "")?.[1];
    anchor.removeAttribute("href");
    if (number === undefined) continue;
    const clicks = byNumber.get(Number(number)) ?? 0;
    const heat = clicks / most;
    anchor.dataset.heat = clicks === 0 ? "0" : "1";
    if (clicks > 0) {
      const colour = `rgba(${HUE},${(PALEST + heat * (0.55 - PALEST)).toFixed(2)})`;
      anchor.style.boxShadow = `inset 0 0 0 999px ${colour}`;
    }
    const figure = page.createElement("span");
    figure.dataset.heatFigure = "";
    figure.textContent = format(clicks);
    anchor.append(figure);
  }
  const style = page.createElement("style");
  style.textContent = STYLE;
  page.head.append(style);
  return `<!doctype html>${page.documentElement.outerHTML}`;
}
