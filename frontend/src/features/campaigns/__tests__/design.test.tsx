import { screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { campaign, designCampaign } from "@/testing/data";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { closed, opened, pictured } from "../design/source";

const SOURCE = designCampaign.mjml ?? "";

/** White space between elements means nothing in MJML, nor does how an empty element is written. */
const meaning = (source: string) =>
  source.replaceAll(/>\s+</g, "><").replaceAll(/<(mj-[\w-]+)([^>]*?)><\/\1>/g, "<$1$2 />");

function reopened(source: string) {
  const there = opened(source);
  if (!there) throw new Error("nothing to design");
  return there;
}

test("what the editor does not change comes back as it was", () => {
  const there = reopened(SOURCE);
  expect(meaning(closed(there, there.document))).toBe(meaning(SOURCE));
});

test("an HTML parser reads what the editor gets without loss", () => {
  const there = reopened(SOURCE);
  const body = new DOMParser().parseFromString(there.document, "text/html").body.innerHTML;
  expect(meaning(closed(there, body))).toBe(meaning(SOURCE).replaceAll("<br />", "<br>"));
});

test("conditions, loops and tables are locked and come back whole", () => {
  const there = reopened(SOURCE);
  expect(there.document).not.toContain("<mj-table");
  expect(there.locked).toHaveLength(3);
  expect(closed(there, there.document)).toContain(
    "<mj-raw>{% for product in products.picked %}{% if loop.index <= 4 %}</mj-raw>",
  );
  expect(closed(there, there.document)).toContain("<tr><td>{{ line.title }}</td></tr>{% endfor %}");
});

test("two tags that look alike stay two", () => {
  const text = `{{ a|default("x") }} {{ a|default('x') }} {{ a|default(”x”) }}`;
  const there = reopened(`<mjml><mj-body><mj-text>${text}</mj-text></mj-body></mjml>`);
  expect(closed(there, there.document)).toContain(`<mj-text>${text}</mj-text>`);
});

test("the head and what surrounds the body stay character by character", () => {
  const there = reopened(SOURCE);
  const back = closed(there, "<mjml><mj-body><mj-section></mj-section></mj-body></mjml>");
  expect(back.startsWith(SOURCE.slice(0, SOURCE.indexOf("<mj-body")))).toBe(true);
  expect(back.endsWith("</mj-body>\n</mjml>\n")).toBe(true);
});

test("what the head says of the body is not the body", () => {
  const head = '<mj-head><mj-attributes><mj-body width="600px" /></mj-attributes></mj-head>';
  const source = `<mjml>${head}<mj-body><mj-section></mj-section></mj-body></mjml>`;
  const there = reopened(source);
  expect(there.before).toBe(`<mjml>${head}`);
  expect(meaning(closed(there, there.document))).toBe(meaning(source));
});

test("the canvas shows the shop's colours in place of their tags", () => {
  expect(pictured('color="{{ brand.accent }}" {{ x }}', new Map([["brand.accent", "#123456"]]))).toBe(
    'color="#123456" {{ x }}',
  );
});

test("a source without a body cannot be designed", () => {
  expect(opened("<p>Hello</p>")).toBeNull();
});

describePage("Design, on a narrow screen", {
  path: "/campaigns/cmp_design/design",
  api: "/campaigns/cmp_design",
  data: "The visual editor needs a wider screen",
});

test("a message in HTML leads to its source", async () => {
  renderApp("/campaigns/cmp_draft/design");
  expect(await screen.findByText("This message has no MJML")).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "Open the source editor" })).toHaveAttribute(
    "href",
    "/campaigns/cmp_draft/edit",
  );
});

test("the editor offers the design of messages that have MJML, and only of those", async () => {
  renderApp("/campaigns/cmp_design/edit");
  expect(await screen.findByRole("link", { name: "Design" })).toHaveAttribute(
    "href",
    "/campaigns/cmp_design/design",
  );
});

test("what is scheduled is not designed", async () => {
  server.use(
    http.get("*/api/v1/campaigns/cmp_draft", () => HttpResponse.json({ ...campaign, state: "sent" })),
  );
  const { router } = renderApp("/campaigns/cmp_draft/design");
  await waitFor(() => expect(router.state.location.pathname).toBe("/campaigns/cmp_draft"));
});
