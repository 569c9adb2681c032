export function hasVariables(source: string): boolean {
  return /\{[{%#]/.test(source);
}

/** A subject as a person reads it before the API has rendered one: fallbacks for variables, else an ellipsis. */
export function subjectInWords(subject: string, shopName: string): string {
  return openBlocks(subject).replaceAll(/\{\{\s*([\w.]*)([^}]*)\}\}/g, (_, name: string, filters: string) =>
    isShopName(name) ? shopName : (fallbackOf(filters) ?? "…"),
  );
}

function openBlocks(source: string): string {
  return source
    .replaceAll(/\{#[\s\S]*?#\}/g, "")
    .replaceAll(/\{%-?\s*else[\s\S]*?\{%-?\s*endif\s*-?%\}/g, "")
    .replaceAll(/\{%[\s\S]*?%\}/g, "");
}

function isShopName(name: string): boolean {
  return name.startsWith("shop.") && name.endsWith("name");
}

function fallbackOf(filters: string): string | undefined {
  return /default\(\s*["']([^"']*)["']/.exec(filters)?.[1];
}
