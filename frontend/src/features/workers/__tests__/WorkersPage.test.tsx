import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";

describePage("Workers", {
  path: "/workers",
  api: "/workers",
  data: "worker-bulk",
  empty: { body: { processes: [], at: "2026-11-21T22:00:00Z" }, text: "No process has reported yet" },
});

test("says who is late, and puts it first", async () => {
  renderApp("/workers");
  expect(await screen.findByRole("heading", { name: "1 process is late" })).toBeInTheDocument();
  expect(screen.getAllByRole("rowheader")[0]).toHaveTextContent("worker-sync");
});
