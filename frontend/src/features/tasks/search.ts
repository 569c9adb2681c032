/** The search line of the runs: qualifiers such as `shop:…`, separated by spaces; quotes keep spaces together. */

const TOKEN = /(?:[^\s"]|"[^"]*"?)+/g;

export function tokensOf(q: string): string[] {
  return q.match(TOKEN) ?? [];
}

/** The line with the tokens added, each once. */
export function withTokens(q: string, text: string): string {
  return [...new Set([...tokensOf(q), ...tokensOf(text)])].join(" ");
}

export function withoutToken(q: string, token: string): string {
  return tokensOf(q)
    .filter((one) => one !== token)
    .join(" ");
}

/** Where the token that the caret stands in begins and ends. */
export function tokenAt(text: string, caret: number): { start: number; end: number } {
  for (const match of text.matchAll(TOKEN)) {
    const end = match.index + match[0].length;
    if (match.index <= caret && caret <= end) return { start: match.index, end };
  }
  return { start: caret, end: caret };
}

/** `name:value`, quoted where the value has spaces. */
export function qualifier(name: string, value: string): string {
  return /\s/.test(value) ? `${name}:"${value.replaceAll('"', "")}"` : `${name}:${value}`;
}
