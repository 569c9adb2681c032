import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { segments } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

describePage("Segment", { path: "/segments/seg_lapsed", api: "/segments/seg_lapsed", data: "4,812 people" });

describePage("New segment", {
  path: "/segments/new",
  api: "/segments/fields",
  data: "Start from an example",
});

test("an example fills the builder, is counted and is saved as the API's rules", async () => {
  const saved: unknown[] = [];
  const counted: unknown[] = [];
  server.use(
    http.post("*/api/v1/segments/preview", async ({ request }) => {
      counted.push(await request.json());
      return HttpResponse.json({ count: 1_204, total: 23_570, sample: [], took_ms: 12, unread: [] });
    }),
    http.post("*/api/v1/segments", async ({ request }) => {
      saved.push(await request.json());
      return HttpResponse.json({ ...segments[0], id: "seg_new" }, { status: 201 });
    }),
  );
  const { router } = renderApp("/segments/new");
  await userEvent.click(await screen.findByRole("button", { name: /^Bought twice, then stopped/ }));
  const rules = {
    op: "and",
    rules: [
      { field: "orders_count", operator: "gte", value: 2 },
      { field: "last_order_at", operator: "not_in_last_days", value: 90 },
      { field: "email_subscription", operator: "is", value: "subscribed" },
    ],
  };
  await waitFor(() => expect(counted.at(-1)).toEqual({ rules }));
  expect(await screen.findByText("1,204 people")).toBeInTheDocument();
  await userEvent.click(await screen.findByRole("button", { name: "Save" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/segments/seg_new"));
  expect(saved).toEqual([{ name: "Bought twice, then stopped", rules }]);
});

test("the API's complaint stands beside the condition that it is about", async () => {
  server.use(
    http.post("*/api/v1/segments/preview", () =>
      problem(422, {
        errors: [
          {
            pointer: "/rules/rules/0/value",
            message: "The value lies between 0 and 10.",
            code: "value_out_of_range",
          },
        ],
      }),
    ),
  );
  renderApp("/segments/seg_lapsed");
  const value = await screen.findByRole("spinbutton", { name: "Value for Number of orders" });
  await waitFor(() => expect(value).toHaveAccessibleDescription("The value lies between 0 and 10."));
});

test("a name is asked for beside its field, and nothing is sent without one", async () => {
  let calls = 0;
  server.use(
    http.post("*/api/v1/segments", () => {
      calls += 1;
      return HttpResponse.json(segments[0], { status: 201 });
    }),
  );
  renderApp("/segments/new");
  await userEvent.click(await screen.findByRole("button", { name: "Add condition" }));
  await userEvent.click(await screen.findByRole("button", { name: "Save" }));
  expect(await screen.findByText("Give the segment a name.")).toBeInTheDocument();
  expect(screen.getByText("Fill this in.")).toBeInTheDocument();
  expect(calls).toBe(0);
});
