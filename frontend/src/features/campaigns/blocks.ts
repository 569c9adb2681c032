/**
 * Blocks that can be inserted into a message's source, and where they come to stand.
 * Invariants: in MJML a block is one or more sections and is put between sections; in HTML it never splits a tag.
 */
import type { SavedTemplate } from "@/lib/api/types";
import type { SourceField } from "./draft";

/** The same block in both languages; a saved one may lack one. */
export type Block = Partial<Record<SourceField, string>>;

export const BUILT_IN = [
  "button",
  "divider",
  "picked",
  "best_sellers",
  "newest",
  "recently_viewed",
  "bought_together",
  "order",
] as const;
export type BuiltIn = (typeof BUILT_IN)[number];

/** The words that stand in the message itself, in the reader's language. */
export interface BlockWords {
  see: string;
  visit: string;
  total: string;
}

const SHOWN_PRODUCTS = 4;
const LISTS = {
  picked: "products.picked",
  best_sellers: "products.best_sellers",
  newest: "products.newest",
  recently_viewed: "customer.recently_viewed",
  bought_together: "customer.bought_together",
} as const;

function section(content: string): string {
  return `<mj-section padding="8px 0">\n  <mj-column>\n    ${content}\n  </mj-column>\n</mj-section>`;
}

function productRows(list: string, see: string): Required<Block> {
  const start = `{% for product in ${list} %}{% if loop.index <= ${SHOWN_PRODUCTS} %}`;
  const end = "{% endif %}{% endfor %}";
  return {
    mjml: `<mj-raw>${start}</mj-raw>
<mj-section padding="0 20px">
  <mj-group>
    <mj-column vertical-align="middle" width="32%">
      <mj-image alt="{{ product.title }}" href="{{ product.url }}" padding="8px" src="{{ product.image_url }}" />
    </mj-column>
    <mj-column vertical-align="middle" width="68%">
      <mj-text font-weight="700" padding="0 16px 4px">{{ product.title }}</mj-text>
      <mj-text padding="0 16px 4px">{{ product.price|money }}</mj-text>
      <mj-text padding="0 16px 12px"><a href="{{ product.url }}">${see}</a></mj-text>
    </mj-column>
  </mj-group>
</mj-section>
<mj-raw>${end}</mj-raw>`,
    html: `${start}
<table role="presentation" width="100%"><tr>
  <td width="120"><a href="{{ product.url }}"><img src="{{ product.image_url }}" alt="{{ product.title }}" width="120"></a></td>
  <td style="padding:8px 16px"><strong>{{ product.title }}</strong><br>{{ product.price|money }}<br><a href="{{ product.url }}">${see}</a></td>
</tr></table>
${end}`,
  };
}

function orderTable(total: string): Required<Block> {
  const rows = `{% for line in order.lines %}<tr><td style="padding:8px 12px 8px 0">{{ line.title }} × {{ line.quantity }}</td><td style="padding:8px 0;text-align:right">{{ line.price|money }}</td></tr>{% endfor %}
<tr><td style="padding:12px 12px 8px 0"><strong>${total}</strong></td><td style="padding:12px 0 8px;text-align:right"><strong>{{ order.total|money }}</strong></td></tr>`;
  return {
    mjml: `<mj-raw>{% if order.lines %}</mj-raw>\n${section(`<mj-table><tbody>${rows}</tbody></mj-table>`)}\n<mj-raw>{% endif %}</mj-raw>`,
    html: `{% if order.lines %}<table width="100%"><tbody>${rows}</tbody></table>{% endif %}`,
  };
}

export function builtIn(name: BuiltIn, words: BlockWords): Required<Block> {
  if (name === "button")
    return {
      mjml: section(`<mj-button href="{{ shop.url }}">${words.visit}</mj-button>`),
      html: `<p><a href="{{ shop.url }}" style="display:inline-block;padding:14px 28px;border-radius:10px;background:{{ brand.accent }};color:{{ brand.on_accent }};text-decoration:none">${words.visit}</a></p>`,
    };
  if (name === "divider")
    return {
      mjml: section("<mj-divider />"),
      html: '<hr style="border:0;border-top:1px solid #e4e4ea;margin:24px 0">',
    };
  return name === "order" ? orderTable(words.total) : productRows(LISTS[name], words.see);
}

/** What a saved block puts into a message: the inside of its body. */
export function blockOf({ mjml, html }: SavedTemplate): Block {
  if (mjml) return { mjml: between(mjml, /<mj-body[^>]*>/, "</mj-body>") };
  return { html: between(html, /<body[^>]*>/i, "</body>") };
}

function between(source: string, start: RegExp, end: string): string {
  const opening = start.exec(source);
  if (!opening) return source;
  const from = opening.index + opening[0].length;
  const to = source.lastIndexOf(end);
  return source.slice(from, to < from ? undefined : to).trim();
}

/** The source with the block at the caret, or at the next place after it where a block may stand. */
export function inserted(field: SourceField, source: string, block: Block, caret: number): string {
  const text = block[field];
  if (!text) return source;
  const at = field === "mjml" ? betweenSections(source, caret) : outsideOfTags(source, caret);
  return `${source.slice(0, at)}\n${text}\n${source.slice(at)}`;
}

const TAGS =
  /<!--[\s\S]*?-->|\{%[\s\S]*?%\}|\{\{[\s\S]*?\}\}|\{#[\s\S]*?#\}|<(\/?)([a-z][\w-]*)(?:"[^"]*"|'[^']*'|[^"'>])*>/gi;

/** The first place from `caret` on that is in `mj-body` and in none of its children; the body's end if there is none. */
function betweenSections(source: string, caret: number): number {
  let depth = -1;
  let place = source.length;
  for (const tag of source.matchAll(TAGS)) {
    const [text, slash, name = ""] = tag;
    if (name === "mj-body") {
      if (slash) return tag.index;
      depth = 0;
      place = tag.index + text.length;
    } else if (depth >= 0 && name.startsWith("mj-") && !text.endsWith("/>")) {
      depth += slash ? -1 : 1;
      if (slash && depth === 0) place = tag.index + text.length;
    } else if (depth === 0 && name.startsWith("mj-")) place = tag.index + text.length;
    if (depth === 0 && place >= caret) return place;
  }
  return place;
}

function outsideOfTags(source: string, caret: number): number {
  for (const tag of source.matchAll(TAGS)) {
    const end = tag.index + tag[0].length;
    if (tag.index < caret && caret < end) return end;
  }
  if (caret <= source.length) return caret;
  const end = source.toLowerCase().lastIndexOf("</body>");
  return end < 0 ? source.length : end;
}

/** Whether the message shows products that somebody has to choose. */
export function readsPicked(source: string): boolean {
  return /\bproducts\.picked\b/.test(source);
}
