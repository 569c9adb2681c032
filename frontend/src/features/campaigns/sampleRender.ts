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

/** What the gallery shows in place of a customer's own values, whose names are the template's. */
const SAMPLES: Record<string, string> = {
  first_name: "Alex",
  last_name: "Reed",
  name: "Alex Reed",
  city: "Portland",
  last_order_at: "12 August",
  url: "#",
  unsubscribe_url: "#",
};

/**
 * A template's source as a picture of itself: fallbacks and samples for variables, blocks opened.
 * Only for the gallery; a campaign's preview is rendered by the API with a real customer.
 */
export function sampleRender(source: string, shopName: string): string {
  return openBlocks(source).replaceAll(/\{\{\s*([\w.]+)([^}]*)\}\}/g, (_, name: string, filters: string) =>
    isShopName(name) ? shopName : (SAMPLES[name.split(".").pop() ?? ""] ?? fallbackOf(filters) ?? ""),
  );
}
