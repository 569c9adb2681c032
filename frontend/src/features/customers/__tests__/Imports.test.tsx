import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { settings } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { contactFile } from "@/testing/storeData";

describePage("Imports of contacts", {
  path: "/customers/imports",
  api: "/customers/imports",
  data: "newsletter.csv",
  empty: { body: { items: [], next_cursor: null }, text: "Bring the people you know" },
});

describePage("Import of contacts", {
  path: "/customers/imports/imp_done",
  api: "/customers/imports/imp_done",
  data: "What became of 840 rows",
});

test("the columns are what their titles say, and what the person says", async () => {
  const starts: unknown[] = [];
  server.use(
    http.post("*/api/v1/customers/imports/imp_fair/start", async ({ request }) => {
      starts.push(await request.json());
      return HttpResponse.json({ ...contactFile, state: "reading" }, { status: 202 });
    }),
  );
  renderApp("/customers/imports/imp_fair");
  expect(await screen.findByRole("combobox", { name: "E-Mail" })).toHaveValue("email");
  expect(await screen.findByText("The first 840 rows, 2 refused")).toBeInTheDocument();
  await userEvent.selectOptions(screen.getByRole("combobox", { name: "Stand" }), "tags");
  await userEvent.type(screen.getByRole("textbox", { name: "Where the consents are from" }), "Fair");
  await userEvent.click(screen.getByRole("button", { name: "Import 840 rows" }));
  await waitFor(() =>
    expect(starts).toEqual([
      {
        columns: { "0": "email", "1": "first_name", "2": "consent", "3": "tags" },
        has_titles: true,
        consent_source: "Fair",
      },
    ]),
  );
});

test("without a column of addresses nothing can start", async () => {
  renderApp("/customers/imports/imp_fair");
  await userEvent.selectOptions(await screen.findByRole("combobox", { name: "E-Mail" }), "");
  expect(screen.getByText("Say which column holds the e-mail address.")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Import 840 rows" })).toHaveAttribute("aria-disabled", "true");
});

test("a file that is no text is refused beside the file", async () => {
  server.use(
    http.post("*/api/v1/customers/imports", () =>
      HttpResponse.json({ ...contactFile, state: "empty" }, { status: 201 }),
    ),
    http.put("*/api/v1/customers/imports/imp_fair/file", () =>
      problem(422, {
        code: "csv_encoding",
        errors: [
          {
            pointer: "/file",
            message: "The file is a workbook. Save it as CSV in UTF-8.",
            code: "csv_encoding",
          },
        ],
      }),
    ),
  );
  renderApp("/customers/imports");
  await userEvent.click(await screen.findByRole("button", { name: "Import contacts" }));
  const input = document.querySelector<HTMLInputElement>('input[type="file"]');
  await userEvent.upload(input as HTMLInputElement, new File(["PK"], "book.csv", { type: "text/csv" }));
  await userEvent.click(screen.getByRole("button", { name: "Continue" }));
  expect(await screen.findByText("The file is a workbook. Save it as CSV in UTF-8.")).toBeInTheDocument();
});

test("where people confirm their subscription, a file asks them unless the person says otherwise", async () => {
  const starts: unknown[] = [];
  server.use(
    http.get("*/api/v1/settings", () => HttpResponse.json({ ...settings, double_opt_in: true })),
    http.post("*/api/v1/customers/imports/imp_fair/start", async ({ request }) => {
      starts.push(await request.json());
      return problem(409, { code: "contact_import_state" });
    }),
  );
  renderApp("/customers/imports/imp_fair");
  const box = await screen.findByRole("checkbox", { name: "Ask for confirmation" });
  await waitFor(() => expect(box).toBeChecked());
  await userEvent.click(screen.getByRole("button", { name: /^Import / }));
  await waitFor(() => expect(starts).toHaveLength(1));
  expect(starts[0]).toMatchObject({ confirm: true });
  await userEvent.click(box);
  await userEvent.click(screen.getByRole("button", { name: /^Import / }));
  await waitFor(() => expect(starts).toHaveLength(2));
  expect(starts[1]).not.toHaveProperty("confirm");
});
