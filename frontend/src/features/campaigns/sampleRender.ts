/** A subject as a person reads it: variables become their fallbacks, or an ellipsis. */
export function subjectInWords(subject: string): string {
  return subject
    .replaceAll(/\{%[\s\S]*?%\}/g, "")
    .replaceAll(
      /\{\{([^}]*)\}\}/g,
      (_, inner: string) => /default\(\s*["']([^"']*)["']/.exec(inner)?.[1] ?? "…",
    );
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
  return source
    .replaceAll(/\{#[\s\S]*?#\}/g, "")
    .replaceAll(/\{%-?\s*else[\s\S]*?\{%-?\s*endif\s*-?%\}/g, "")
    .replaceAll(/\{%[\s\S]*?%\}/g, "")
    .replaceAll(/\{\{\s*([\w.]+)([^}]*)\}\}/g, (_, name: string, filters: string) => {
      const fallback = /default\(\s*["']([^"']*)["']/.exec(filters)?.[1];
      if (name.startsWith("shop.") && name.endsWith("name")) return shopName;
      return SAMPLES[name.split(".").pop() ?? ""] ?? fallback ?? "";
    });
}
