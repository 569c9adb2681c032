import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { segments, session, suggested } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

const SAVE = "Save as segment: Champions";

function answer(body: object) {
  server.use(http.get("*/api/v1/micro-segments", () => HttpResponse.json(body)));
}

describePage("Suggested segments", {
  path: "/segments",
  api: "/micro-segments",
  data: "Champions",
  empty: {
    body: { items: [], found_at: null, reason: "too_few_buyers" },
    text: "There are too few buyers to tell groups apart. Suggestions appear once 50 customers have ordered.",
  },
});

test("says who is in a group, by rule and by figures", async () => {
  renderApp("/segments");
  const group = (await screen.findByRole("heading", { name: "Champions" })).closest("li");
  if (!group) throw new Error("no group");
  for (const text of [
    "1,412 people",
    "12% of all buyers",
    "Number of orders is at least 3 and Last order was in the last 180 days",
    "6.3",
    "$412.20",
    "38 days",
  ]) {
    expect(within(group).getByText(text)).toBeInTheDocument();
  }
});

test("leads to the segment that a group was saved as, and does not offer it again", async () => {
  renderApp("/segments");
  const link = await screen.findByRole("link", { name: "Open segment: Bought once, group 2" });
  expect(link).toHaveAttribute("href", expect.stringContaining("/segments/seg_lapsed"));
  expect(screen.getAllByRole("button", { name: /^Save as segment: / })).toHaveLength(1);
});

test("before anybody looked it says when that happens, and where to start it", async () => {
  answer({ items: [], found_at: null, reason: "not_yet" });
  renderApp("/segments");
  expect(await screen.findByText(/at the end of every sync/)).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "Go to store data" })).toBeInTheDocument();
});

test("saves a group under the name that was given", async () => {
  const names: unknown[] = [];
  let items = suggested.items;
  server.use(
    http.get("*/api/v1/micro-segments", () => HttpResponse.json({ ...suggested, items })),
    http.post("*/api/v1/micro-segments/mic_champions/adopt", async ({ request }) => {
      names.push(await request.json());
      items = items.map((item) => (item.id === "mic_champions" ? { ...item, segment_id: "seg_best" } : item));
      return HttpResponse.json(segments[1], { status: 201 });
    }),
  );
  renderApp("/segments");
  await userEvent.click(await screen.findByRole("button", { name: SAVE }));
  const dialog = await screen.findByRole("dialog");
  const name = within(dialog).getByRole("textbox", { name: "Name" });
  expect(name).toHaveValue("Champions");
  await userEvent.clear(name);
  await userEvent.click(within(dialog).getByRole("button", { name: "Save as segment" }));
  expect(within(dialog).getByText("Give the segment a name.")).toBeInTheDocument();
  expect(names).toEqual([]);
  await userEvent.type(name, " VIP ");
  await userEvent.click(within(dialog).getByRole("button", { name: "Save as segment" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(await screen.findByRole("link", { name: "Open segment: Champions" })).toBeInTheDocument();
  expect(names).toEqual([{ name: "VIP" }]);
});

test("a name that is taken is told in the dialog, which stays", async () => {
  server.use(
    http.post("*/api/v1/micro-segments/:id/adopt", () =>
      problem(409, { code: "segment_name_taken", title: "Another segment has this name", detail: "Taken." }),
    ),
  );
  renderApp("/segments");
  await userEvent.click(await screen.findByRole("button", { name: SAVE }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.click(within(dialog).getByRole("button", { name: "Save as segment" }));
  expect(await within(dialog).findByText("req_test_123")).toBeInTheDocument();
  expect(within(dialog).getByRole("textbox", { name: "Name" })).toHaveValue("Champions");
});

test("who may only look is offered nothing to save", async () => {
  server.use(
    http.get("*/api/v1/session", () =>
      HttpResponse.json({ ...session, user: { ...session.user, role: "viewer" }, permissions: ["read"] }),
    ),
  );
  renderApp("/segments");
  expect(await screen.findByText("Champions")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: SAVE })).toBeNull();
});
