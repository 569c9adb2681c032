/** Finds the place in a JSON text that a JSON pointer names, so that a problem can be shown where it is. */

export interface Place {
  line: number;
  column: number;
}

export function placeAt(text: string, offset: number): Place {
  const before = text.slice(0, Math.max(0, offset)).split("\n");
  return { line: before.length, column: (before[before.length - 1]?.length ?? 0) + 1 };
}

const SPACE = /\s/;

/** The offset of the end of the JSON value that starts at `start`. The text is known to be valid JSON. */
function endOfValue(text: string, start: number): number {
  let at = start;
  let depth = 0;
  for (; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') {
      at += 1;
      while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
      if (depth === 0) return at + 1;
    } else if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (char === "," || SPACE.test(char ?? ""))) return at;
  }
  return at;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && SPACE.test(text[at] ?? "")) at += 1;
  return at;
}

/** The offset of the member's value, or null when the container has no such member. */
function findMember(text: string, container: number, step: string): number | null {
  const isList = text[container] === "[";
  if (!isList && text[container] !== "{") return null;
  let at = skipSpace(text, container + 1);
  for (let index = 0; at < text.length && text[at] !== "}" && text[at] !== "]"; index += 1) {
    let name = String(index);
    if (!isList) {
      const end = endOfValue(text, at);
      name = JSON.parse(text.slice(at, end)) as string;
      at = skipSpace(text, skipSpace(text, end) + 1);
    }
    if (name === step) return at;
    at = skipSpace(text, endOfValue(text, at));
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return null;
}

/** Where the pointer leads in this valid JSON text; what is missing is shown at the nearest thing around it. */
export function placeOfPointer(text: string, pointer: string): Place {
  let at = skipSpace(text, 0);
  for (const raw of pointer.split("/").slice(1)) {
    const next = findMember(text, at, raw.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (next === null) break;
    at = next;
  }
  return placeAt(text, at);
}
