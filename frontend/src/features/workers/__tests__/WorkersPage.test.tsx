import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test } from "vitest";
import { problem } from "@/testing/handlers";
import { circuits, workers } from "@/testing/operationsData";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";
import { operator } from "@/testing/tasksData";

describePage("Workers, for operators", {
  path: "/workers",
  api: "/workers",
  session: operator,
  data: "bulk@demo",
  empty: {
    body: { processes: [], deploys: [], newest_version: null, at: "2026-11-21T22:00:00Z" },
    text: "No process has reported yet",
  },
});

describePage("Workers, for a shop's people", {
  path: "/workers",
  api: "/workers",
  data: "Pages and API",
});

describe("a shop's people", () => {
  test("are told in plain words how it stands, and have nothing to steer", async () => {
    const asked: string[] = [];
    server.use(
      http.get("*/api/v1/circuits", ({ request }) => {
        asked.push(request.url);
        return problem(403);
      }),
    );
    renderApp("/workers");
    expect(
      await screen.findByRole("heading", { name: "A part of Storecast is slow to answer" }),
    ).toBeInTheDocument();
    expect(screen.queryByText(/@demo/)).toBeNull();
    expect(screen.queryByRole("button", { name: /Actions of/ })).toBeNull();
    expect(asked).toEqual([]);
  });

  test("read all well when all is well", async () => {
    server.use(
      http.get("*/api/v1/workers", () =>
        HttpResponse.json({
          ...workers,
          processes: workers.processes.map((process) => ({ ...process, state: "ok" })),
        }),
      ),
    );
    renderApp("/workers");
    expect(await screen.findByRole("heading", { name: "All well" })).toBeInTheDocument();
  });
});

describe("an operator", () => {
  beforeEach(() => server.use(http.get("*/api/v1/session", () => HttpResponse.json(operator))));

  const process = async (name: string) => {
    const toggle = await screen.findByRole("button", { name });
    return within(toggle.closest("li") as HTMLElement);
  };
  const ask = async (name: string, action: string) => {
    await userEvent.click(await screen.findByRole("button", { name: `Actions of ${name}` }));
    await userEvent.click(await screen.findByRole("menuitem", { name: action }));
    return within(await screen.findByRole("dialog"));
  };

  test("sees the lost one first, with its orphans and what became of them", async () => {
    renderApp("/workers");
    expect(
      await screen.findByRole("heading", { name: "1 process has stopped answering" }),
    ).toBeInTheDocument();
    const names = screen.getAllByRole("button", { expanded: true }).map((button) => button.textContent);
    expect(names).toEqual(["sync@demo"]);
    const lost = await process("sync@demo");
    expect(await lost.findByText("1 task lost its worker here")).toBeInTheDocument();
    expect(await lost.findByText(/Handed to another worker/)).toBeInTheDocument();
    expect(lost.getByRole("link", { name: "Importing the store's data" })).toHaveAttribute(
      "href",
      "/tasks/0193-g",
    );
    expect(lost.queryByRole("button", { name: /Actions of/ })).toBeNull();
  });

  test("sees version drift, load, and what runs in each child", async () => {
    renderApp("/workers");
    const bulk = await process("bulk@demo");
    expect(bulk.getByText("0.1.0, newest 0.2.0")).toBeInTheDocument();
    const everyday = await process("default@demo");
    expect(everyday.getByText("1 of 4")).toBeInTheDocument();
    expect(everyday.getByText("88.4")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "default@demo" }));
    const rows = within(everyday.getByRole("table")).getAllByRole("row");
    expect(rows).toHaveLength(5);
    expect(rows[1]).toHaveTextContent(/4411.*92 MiB.*Importing the store's data/);
    expect(rows[2]).toHaveTextContent(/4412.*95 MiB.*idle/);
    expect(everyday.getByText(/^Resize to 4 · Kim Osei/)).toHaveTextContent(/minutes ago · done after 2s$/);
    expect(everyday.getByText("heard 1.4s ago")).toBeInTheDocument();
  });

  test("drains with a word of what happens, and sees the command until it is done", async () => {
    const sent: unknown[] = [];
    let done_at: string | null = null;
    server.use(
      http.post("*/api/v1/workers/:name/commands", async ({ request, params }) => {
        sent.push([params.name, await request.json()]);
        return HttpResponse.json({});
      }),
      http.get("*/api/v1/workers", () => {
        const commands = sent.length
          ? [
              {
                id: 14,
                action: "drain",
                slots: null,
                asked_by: "Kim",
                asked_at: workers.at,
                done_at,
                error: null,
              },
            ]
          : [];
        return HttpResponse.json({
          ...workers,
          processes: workers.processes.map((one) =>
            one.name === "bulk@demo" ? { ...one, commands, draining: done_at !== null } : one,
          ),
        });
      }),
    );
    const { client } = renderApp("/workers");
    const dialog = await ask("bulk@demo", "Drain");
    expect(dialog.getByText(/It takes no new task. The 2 that run in it finish/)).toBeInTheDocument();
    await userEvent.type(dialog.getByLabelText("Reason (optional)"), "Deploy");
    await userEvent.click(dialog.getByRole("button", { name: "Drain" }));
    const bulk = await process("bulk@demo");
    expect(await bulk.findByText("Asked to drain")).toBeInTheDocument();
    expect(sent).toEqual([["bulk@demo", { action: "drain", reason: "Deploy" }]]);
    done_at = workers.at;
    await client.invalidateQueries({ queryKey: ["workers"] });
    expect(await bulk.findByText("Draining")).toBeInTheDocument();
    expect(bulk.queryByText("Asked to drain")).toBeNull();
  });

  test("resizes to a whole number of slots; a refusal stands at its field", async () => {
    const sent: unknown[] = [];
    server.use(
      http.post("*/api/v1/workers/:name/commands", async ({ request }) => {
        sent.push(await request.json());
        return sent.length === 1
          ? problem(422, { errors: [{ pointer: "/slots", message: "At most 64.", code: "too_large" }] })
          : HttpResponse.json({});
      }),
    );
    renderApp("/workers");
    const dialog = await ask("bulk@demo", "Resize");
    const slots = dialog.getByLabelText("Slots");
    await userEvent.clear(slots);
    await userEvent.type(slots, "0");
    await userEvent.click(dialog.getByRole("button", { name: "Resize" }));
    expect(dialog.getByText("A whole number from 1.")).toBeInTheDocument();
    expect(sent).toEqual([]);
    await userEvent.clear(slots);
    await userEvent.type(slots, "65");
    await userEvent.click(dialog.getByRole("button", { name: "Resize" }));
    expect(await dialog.findByText("At most 64.")).toBeInTheDocument();
    await userEvent.clear(slots);
    await userEvent.type(slots, "8");
    await userEvent.click(dialog.getByRole("button", { name: "Resize" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(sent).toEqual([
      { action: "resize", slots: 65 },
      { action: "resize", slots: 8 },
    ]);
  });

  test("has a host called again that was cut off", async () => {
    const closed: unknown[] = [];
    server.use(
      http.post("*/api/v1/circuits/:host/close", ({ params }) => {
        closed.push(params.host);
        return HttpResponse.json(circuits[0]);
      }),
    );
    renderApp("/workers");
    const table = within(await screen.findByRole("table", { name: "Hosts that Storecast calls" }));
    expect(table.getAllByRole("rowheader").map((cell) => cell.textContent)).toEqual([
      "smtp.example.com",
      "cdnow.myshopify.com",
    ]);
    await userEvent.click(table.getByRole("button", { name: "Call again" }));
    const dialog = within(await screen.findByRole("dialog"));
    expect(closed).toEqual([]);
    await userEvent.click(dialog.getByRole("button", { name: "Call again" }));
    await waitFor(() => expect(closed).toEqual(["smtp.example.com"]));
  });
});
