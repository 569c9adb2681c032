import { expect, test } from "vitest";
import { savedTemplates } from "@/testing/data";
import { BUILT_IN, blockOf, builtIn, inserted, readsPicked } from "../blocks";

const SOURCE =
  '<mjml><mj-body><mj-section a="1 > 0"><mj-column><mj-text>One</mj-text></mj-column></mj-section>' +
  "<mj-raw>{% if x %}</mj-raw><mj-section /></mj-body></mjml>";
const words = { see: "See", visit: "Visit", total: "Total" };

test.each([
  ["<mj-body>", "<mj-body>\nX\n<mj-section a"],
  ["One", "</mj-section>\nX\n<mj-raw>"],
  ["{% if", "</mj-raw>\nX\n<mj-section />"],
  ["<mj-section />", "</mj-raw>\nX\n<mj-section />"],
  ["</mjml>", "<mj-section />\nX\n</mj-body>"],
])("a block stands between sections when the caret is at %s", (at, found) => {
  expect(inserted("mjml", SOURCE, { mjml: "X" }, SOURCE.indexOf(at))).toContain(found);
});

test("in HTML a block is put at the caret, and never into a tag", () => {
  const html = '<body><p class="a">Hi {{ customer.first_name }}</p></body>';
  expect(inserted("html", html, { html: "X" }, html.indexOf("Hi"))).toContain('"a">\nX\nHi');
  expect(inserted("html", html, { html: "X" }, html.indexOf("class"))).toContain('"a">\nX\nHi');
  expect(inserted("html", html, { html: "X" }, html.indexOf("first"))).toContain("}}\nX\n</p>");
  expect(inserted("html", html, { html: "X" }, Number.POSITIVE_INFINITY)).toContain("</p>\nX\n</body>");
});

test("a block that has nothing in the message's language changes nothing", () => {
  expect(inserted("mjml", SOURCE, { html: "X" }, 0)).toBe(SOURCE);
});

test("a saved block is the inside of its body", () => {
  const [first] = savedTemplates;
  if (!first) throw new Error("no saved template");
  expect(blockOf({ ...first, mjml: SOURCE }).mjml).toMatch(/^<mj-section a[\s\S]*<mj-section \/>$/);
  expect(blockOf({ ...first, html: "<html><body><p>A</p></body></html>" }).html).toBe("<p>A</p>");
  expect(blockOf({ ...first, html: "<p>A</p>" }).html).toBe("<p>A</p>");
});

test.each(BUILT_IN)("%s is whole in both languages", (name) => {
  const { html, mjml } = builtIn(name, words);
  const xml = new DOMParser().parseFromString(`<r>${mjml.replaceAll(/\{%.*?%\}/g, "")}</r>`, "text/xml");
  expect(xml.querySelector("parsererror")).toBeNull();
  for (const source of [html, mjml]) {
    expect(source.match(/\{% (for|if)/g)?.length).toBe(source.match(/\{% end(for|if)/g)?.length);
  }
});

test("a message is known to need products", () => {
  expect(readsPicked(builtIn("picked", words).mjml)).toBe(true);
  expect(readsPicked(builtIn("best_sellers", words).mjml)).toBe(false);
});
