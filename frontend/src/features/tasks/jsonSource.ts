/** JSON that remembers where each value stands, so that a problem can be shown at its place. */

export interface SourceProblem {
  /** JSON pointer; the empty string is the whole document. */
  pointer: string;
  message: SourceMessage;
  values?: Record<string, string>;
}

export type SourceMessage = "syntax" | "type" | "required" | "unknown" | "enum" | "range" | "length";

export class JsonSyntaxProblem extends Error {
  constructor(readonly offset: number) {
    super("not JSON");
  }
}

export interface ParsedJson {
  value: unknown;
  /** Where each value begins, by JSON pointer. */
  places: ReadonlyMap<string, number>;
}

const LITERALS: readonly [string, unknown][] = [
  ["true", true],
  ["false", false],
  ["null", null],
];
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const SPACE = /\s*/y;
/** Deeper than any job's arguments, and far from the depth at which reading would overflow. */
const DEEPEST = 100;

export function pointerTo(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

class Reader {
  private at = 0;
  readonly places = new Map<string, number>();

  constructor(private readonly text: string) {}

  document(): unknown {
    const value = this.value("", 0);
    this.space();
    if (this.at < this.text.length) throw new JsonSyntaxProblem(this.at);
    return value;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private space() {
    this.match(SPACE);
  }

  /** Whether the next sign is this one, which is then behind us. */
  private took(sign: string): boolean {
    this.space();
    if (this.text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  private expect(sign: string) {
    if (!this.took(sign)) throw new JsonSyntaxProblem(this.at);
  }

  private string(): string {
    const start = this.at;
    const raw = this.match(STRING);
    try {
      if (raw !== undefined) return JSON.parse(raw) as string;
    } catch {
      // A line break or a wrong escape inside the quotes.
    }
    throw new JsonSyntaxProblem(start);
  }

  private value(pointer: string, depth: number): unknown {
    this.space();
    this.places.set(pointer, this.at);
    if (depth > DEEPEST) throw new JsonSyntaxProblem(this.at);
    if (this.took("{")) return this.object(pointer, depth);
    if (this.took("[")) return this.array(pointer, depth);
    if (this.text[this.at] === '"') return this.string();
    for (const [word, value] of LITERALS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    const number = this.match(NUMBER);
    if (!number) throw new JsonSyntaxProblem(this.at);
    return Number(number);
  }

  private object(pointer: string, depth: number): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    if (this.took("}")) return {};
    do {
      this.space();
      const key = this.string();
      this.expect(":");
      entries.push([key, this.value(pointerTo(pointer, key), depth + 1)]);
    } while (this.took(","));
    this.expect("}");
    return Object.fromEntries(entries);
  }

  private array(pointer: string, depth: number): unknown[] {
    const items: unknown[] = [];
    if (this.took("]")) return items;
    do items.push(this.value(pointerTo(pointer, items.length), depth + 1));
    while (this.took(","));
    this.expect("]");
    return items;
  }
}

/** Throws `JsonSyntaxProblem` with the place where the text stops being JSON. */
export function parseJson(text: string): ParsedJson {
  const reader = new Reader(text);
  return { value: reader.document(), places: reader.places };
}

export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Where a pointer's value stands, or the nearest thing around it that is there. */
export function placeOf(places: ReadonlyMap<string, number>, pointer: string): number {
  for (let path = pointer; path !== ""; path = path.slice(0, path.lastIndexOf("/"))) {
    const place = places.get(path);
    if (place !== undefined) return place;
  }
  return places.get("") ?? 0;
}
