import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { customerLists, customers, segments } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

test("a behaviour is asked with how often, since when and of what", async () => {
  const saved: unknown[] = [];
  server.use(
    http.post("*/api/v1/segments", async ({ request }) => {
      saved.push(await request.json());
      return HttpResponse.json({ ...segments[0], id: "seg_new" }, { status: 201 });
    }),
  );
  renderApp("/segments/new");
  fireEvent.change(await screen.findByRole("textbox", { name: "Name" }), { target: { value: "Readers" } });
  fireEvent.click(screen.getByRole("button", { name: "Add condition" }));
  fireEvent.change(screen.getByRole("combobox", { name: "Field" }), { target: { value: "opened" } });
  const value = (what: string) =>
    screen.getByRole("spinbutton", { name: new RegExp(`^Value for Opened a message: ${what}`) });
  fireEvent.change(value("how often"), { target: { value: "3" } });
  fireEvent.change(value("in how many days"), { target: { value: "90" } });
  fireEvent.change(screen.getByRole("combobox", { name: "Value for Opened a message: about what" }), {
    target: { value: "campaign" },
  });
  fireEvent.click(await screen.findByRole("button", { name: "Save" }));
  expect(await screen.findByText("Fill this in.")).toBeInTheDocument();
  fireEvent.focus(screen.getByRole("combobox", { name: "Choose a campaign" }));
  fireEvent.click(await screen.findByRole("option", { name: "Winter sale" }));
  fireEvent.click(await screen.findByRole("button", { name: "Save" }));
  const asked = { times: 3, days: 90, campaign: "campaign-1" };
  await waitFor(() =>
    expect(saved).toEqual([
      { name: "Readers", rules: { op: "and", rules: [{ field: "opened", operator: "did", value: asked }] } },
    ]),
  );
});

test("why somebody is in the segment is told condition by condition", async () => {
  server.use(
    http.post("*/api/v1/segments/explain", () =>
      HttpResponse.json({
        customer_id: customers[0]?.id,
        member: true,
        conditions: [
          { pointer: "/rules/rules/0", field: "orders_count", holds: true, seen: 4 },
          { pointer: "/rules/rules/1", field: "last_order_at", holds: false, seen: null },
          { pointer: "/rules/rules/2", field: "email_subscription", holds: true, seen: "subscribed" },
        ],
      }),
    ),
  );
  renderApp("/segments/seg_lapsed");
  await userEvent.click(
    await screen.findByRole("button", { name: `Why is ${customers[0]?.name} in this segment?` }),
  );
  const dialog = await screen.findByRole("dialog");
  expect(await within(dialog).findByText("This customer is in the segment.")).toBeInTheDocument();
  const told = within(dialog)
    .getAllByRole("listitem")
    .map((item) => item.textContent);
  expect(told).toEqual([
    "SuccessTrueNumber of orders is at least 2Seen: 4",
    "AttentionNot trueLast order was not in the last 90 daysSeen: nothing known",
    "SuccessTrueE-mail subscription is SubscribedSeen: Subscribed",
  ]);
});

test("a file becomes a list, and its refused rows are told", async () => {
  const asked: { name: string | null; type: string | null }[] = [];
  server.use(
    http.post("*/api/v1/segments/lists", ({ request }) => {
      const name = new URL(request.url).searchParams.get("name");
      asked.push({ name, type: request.headers.get("Content-Type") });
      return HttpResponse.json(customerLists[0], { status: 201 });
    }),
  );
  renderApp("/segments");
  await userEvent.click(await screen.findByRole("button", { name: "Upload list" }));
  const dialog = await screen.findByRole("dialog");
  const input = dialog.querySelector<HTMLInputElement>('input[type="file"]');
  if (!input) throw new Error("no file field");
  await userEvent.upload(input, new File(["email\nada@example.com\n"], "guests.csv", { type: "text/csv" }));
  await userEvent.click(within(dialog).getByRole("button", { name: "Upload list" }));
  expect(await screen.findByText("120 rows read, 114 customers found.")).toBeInTheDocument();
  const rows = await within(await screen.findByRole("dialog")).findAllByText("No such customer");
  expect(rows.length).toBeGreaterThan(0);
  expect(asked).toEqual([{ name: "guests", type: "text/csv" }]);
});

test("a file that cannot be read is refused beside the field", async () => {
  server.use(
    http.post("*/api/v1/segments/lists", () =>
      problem(422, {
        code: "csv_encoding",
        errors: [{ pointer: "/file", message: "The file is UTF-16.", code: "csv_encoding" }],
      }),
    ),
  );
  renderApp("/segments");
  await userEvent.click(await screen.findByRole("button", { name: "Upload list" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.click(within(dialog).getByRole("button", { name: "Upload list" }));
  expect(within(dialog).getByText("Choose a file.")).toBeInTheDocument();
  const input = dialog.querySelector<HTMLInputElement>('input[type="file"]');
  if (!input) throw new Error("no file field");
  await userEvent.upload(input, new File(["x"], "guests.csv", { type: "text/csv" }));
  await userEvent.click(within(dialog).getByRole("button", { name: "Upload list" }));
  expect(await within(dialog).findByText("The file is UTF-16.")).toBeInTheDocument();
});

test("the size over time is drawn once there are two days", async () => {
  server.use(
    http.get("*/api/v1/segments/:id/sizes", () =>
      HttpResponse.json({
        items: [
          { day: "2026-11-20", member_count: 4_700 },
          { day: "2026-11-21", member_count: 4_812 },
        ],
      }),
    ),
  );
  renderApp("/segments/seg_lapsed");
  expect(await screen.findByRole("heading", { name: "Size over time" })).toBeInTheDocument();
  expect(screen.queryByText(/Storecast notes the size every day/)).not.toBeInTheDocument();
});

test("a new segment says when its size will be seen", async () => {
  renderApp("/segments/seg_lapsed");
  expect(await screen.findByText(/Storecast notes the size every day/)).toBeInTheDocument();
});
