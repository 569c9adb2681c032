import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import grapesjs from "grapesjs";
import { expect, test } from "vitest";
import { configuration } from "../design/canvas";
import { closed, opened } from "../design/source";

const GALLERY = join(process.cwd(), "../backend/storecast/messaging/gallery");
const piece = (name: string) => readFileSync(join(GALLERY, `${name}.mjml.j2`), "utf8").trim();
const KEYS = readdirSync(GALLERY)
  .filter((name) => name.endsWith(".mjml.j2") && !name.startsWith("_"))
  .map((name) => name.replace(".mjml.j2", ""));

/** A template as the gallery puts it together. */
function whole(key: string): string {
  const body = piece(key)
    .replace(/<!-- products: (\S+) (\d) -->/g, (_slot, list: string, count: string) =>
      piece("_products").replaceAll("LIST", list).replaceAll("COUNT", count),
    )
    .replace("<!-- order -->", () => piece("_order"));
  return piece("_frame")
    .replace("<!-- body -->", () => body)
    .replace("<!-- why -->", "You asked for it at {{ shop.name }}.");
}

const TAG = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}/g;

/** Elements with their attributes in any order, and text, without the white space that means nothing in MJML. */
function meaning(source: string): string[] {
  return source
    .replaceAll(/<!--[\s\S]*?-->/g, "")
    .split(/(<(?:"[^"]*"|[^">])*>)/)
    .map((part) => part.replaceAll(/\s+/g, " ").trim())
    .filter((part) => part !== "")
    .flatMap((part) => {
      const element = /^<([\w-]+)((?:"[^"]*"|[^">])*?)\s*(\/?)>$/.exec(part);
      if (!element) return [part];
      const attributes = [...(element[2] ?? "").matchAll(/([\w-]+)="([^"]*)"/g)]
        .map(([, name, value]) => `${name}=${value?.replace(/;$/, "").replaceAll(/\s*([:;,])\s*/g, "$1")}`)
        .sort();
      const start = `<${[element[1], ...attributes].join(" ")}>`;
      const isVoid = ["br", "img", "hr"].includes(element[1] ?? "");
      return element[3] && !isVoid ? [start, `</${element[1]}>`] : [start];
    });
}

function edited(source: string): string {
  const there = opened(source);
  if (!there) throw new Error("nothing to design");
  const editor = grapesjs.init({ headless: true, ...configuration(there, new Map(), "de") });
  editor.setComponents(there.document);
  const back = closed(there, editor.getHtml());
  editor.destroy();
  return back;
}

test("the gallery has templates to design", () => {
  expect(KEYS.length).toBeGreaterThanOrEqual(9);
});

test.each(KEYS)("%s comes back from the visual editor with every tag and word", (key) => {
  const source = whole(key);
  const back = edited(source);
  expect(back.match(TAG)).toEqual(source.match(TAG));
  expect(meaning(back)).toEqual(meaning(source));
});
