/**
 * A message's MJML on its way into the visual editor and back.
 * Invariants: everything outside of `mj-body` stays as it was, character by character; every template tag comes back
 * as it went in; what the editor does not know is locked and comes back whole.
 */

/** What the editor gets, and what brings it back. */
export interface Opened {
  /** A whole document that an HTML parser reads without loss. */
  document: string;
  head: string;
  /** What surrounds the body. */
  before: string;
  after: string;
  /** Template tags by the label that stands for them. */
  tags: ReadonlyMap<string, string>;
  locked: readonly string[];
}

const TAG = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}|\{#[\s\S]*?#\}/g;
/** An HTML parser would take tables apart; the others have no counterpart in the editor. */
const LOCKED = /<(mj-raw|mj-table|mj-accordion|mj-carousel)(?=[\s>])(?:"[^"]*"|[^">])*>[\s\S]*?<\/\1>/g;
const LOCK = /<mj-raw[^>]*>\s*\[\[(\d+)\]\][\s\S]*?<\/mj-raw>/g;
const ALONE = /<(mj-[\w-]+)((?:"[^"]*"|'[^']*'|[^"'>])*?)\s*\/>/g;
const SAFE: Record<string, string> = { '"': "”", "'": "’", "<": "‹", ">": "›", "&": "＆", "\n": " " };
const SHOWN_CHARACTERS = 60;

/** Null for a source that has no body to design. */
export function opened(source: string): Opened | null {
  // Attributes of the body may also stand in the head.
  const behindHead = Math.max(source.indexOf("</mj-head>"), 0);
  const found = source.slice(behindHead).search(/<mj-body[\s>]/);
  const start = behindHead + found;
  const end = source.lastIndexOf("</mj-body>");
  if (found < 0 || end < start) return null;
  const stop = end + "</mj-body>".length;
  const tags = new Map<string, string>();
  const locked: string[] = [];
  const body = masked(source.slice(start, stop), tags)
    .replace(LOCKED, (whole) => {
      locked.push(whole);
      const text = whole
        .replace(/<[^>]*>/g, " ")
        .trim()
        .slice(0, SHOWN_CHARACTERS);
      return `<mj-raw>[[${locked.length - 1}]] ${text}</mj-raw>`;
    })
    .replace(ALONE, "<$1$2></$1>");
  const before = source.slice(0, start);
  const head = /<mj-head[\s>][\s\S]*<\/mj-head>/.exec(before)?.[0] ?? "";
  return { document: `<mjml>${body}</mjml>`, head, before, after: source.slice(stop), tags, locked };
}

/** The source again, with the body that the editor has now. */
export function closed({ before, after, tags, locked }: Opened, document: string): string {
  const start = document.search(/<mj-body[\s>]/);
  const end = document.lastIndexOf("</mj-body>") + "</mj-body>".length;
  const body = indented(document.slice(start, end))
    .replace(LOCK, (_whole, number: string) => locked[Number(number)] ?? "")
    .replace(TAG, (label) => tags.get(label) ?? label);
  return before + body + after;
}

/** Tags as labels without a character that means something to an HTML parser. */
function masked(source: string, tags: Map<string, string>): string {
  return source.replace(TAG, (tag) => {
    let label = tag.replace(/["'<>&\n]/g, (character) => SAFE[character] ?? "");
    while (tags.has(label) && tags.get(label) !== tag) label = `${label.slice(0, -2)}·${label.slice(-2)}`;
    tags.set(label, tag);
    return label;
  });
}

/** One element a line, as people write it; white space between these elements means nothing. */
function indented(body: string): string {
  let depth = 1;
  return body
    .replace(/>\s*(?=<\/?mj-)/g, ">\n")
    .split("\n")
    .map((line) => {
      if (!line.startsWith("<mj-") && !line.startsWith("</mj-")) return line;
      if (line.startsWith("</")) depth -= 1;
      const text = "  ".repeat(depth) + line;
      if (!line.startsWith("</") && !line.includes("</mj-")) depth += 1;
      return text;
    })
    .join("\n")
    .trimStart();
}

/** MJML for the canvas alone: what is known of the shop in place of its tags. */
export function pictured(source: string, values: ReadonlyMap<string, string>): string {
  return source.replace(TAG, (tag) => values.get(tag.slice(2, -2).trim()) ?? tag);
}
