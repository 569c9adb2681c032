import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { contactPolicy } from "@/testing/data";
import { problem } from "@/testing/handlers";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

const PATH = "/settings/contact-policy";

describePage("Contact rules", {
  path: PATH,
  api: "/contact-policy",
  data: "Limit how often a person is written to",
});

test("rules are saved whole, and a refusal is told beside its field", async () => {
  const puts: unknown[] = [];
  server.use(
    http.put("*/api/v1/contact-policy", async ({ request }) => {
      puts.push(await request.json());
      return puts.length === 1
        ? problem(422, {
            code: "invalid",
            errors: [{ pointer: "/quiet_hours/ends", message: "16 hours at most.", code: "too_long" }],
          })
        : HttpResponse.json({ ...contactPolicy, ...(puts[1] as object) });
    }),
  );
  renderApp(PATH);
  await userEvent.click(await screen.findByRole("checkbox", { name: "Quiet hours" }));
  await userEvent.click(screen.getByRole("checkbox", { name: "Limit how much each sender domain sends" }));
  await userEvent.click(await screen.findByRole("button", { name: "Save" }));
  expect(await screen.findByText("16 hours at most.")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Save" })).toBeNull());
  const { timezone: _zone, ...stored } = contactPolicy;
  expect(puts[1]).toEqual({
    ...stored,
    quiet_hours: { begins: "21:00", ends: "08:00" },
    domain_hourly_limit: 1_000,
  });
});
