import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { jobsSummary } from "@/testing/operationsData";
import { describePage } from "@/testing/pageStates";
import { renderApp } from "@/testing/render";
import { server } from "@/testing/server";

describePage("Tasks", {
  path: "/tasks",
  api: "/jobs",
  data: "Importing the store's data",
  empty: { body: { items: [], next_cursor: null }, text: "Nothing was done yet" },
});

test("what is wrong comes first, in a sentence and in the title of the document", async () => {
  renderApp("/tasks");
  expect(await screen.findByRole("heading", { name: "1 task gave up and needs a look" })).toBeInTheDocument();
  await waitFor(() => expect(document.title).toBe("1 failed · Tasks · Storecast"));
});

test("quiet when all is done", async () => {
  server.use(
    http.get("*/api/v1/jobs/summary", () =>
      HttpResponse.json({
        states: { ...jobsSummary.states, queued: 0, running: 0, retrying: 0, dead: 0 },
        queues: [],
      }),
    ),
  );
  renderApp("/tasks");
  expect(await screen.findByRole("heading", { name: "All is done, nothing waits" })).toBeInTheDocument();
});

test("the state filter lives in the address", async () => {
  const { router } = renderApp("/tasks");
  await screen.findByText("Sending a campaign's messages");
  await userEvent.click(await screen.findByRole("button", { name: /^Failed/ }));
  expect(router.state.location.search).toBe("?state=dead");
  await waitFor(() => expect(screen.queryByText("Sending a campaign's messages")).toBeNull());
});

test("tries are counted against their limit only once there was more than one", async () => {
  renderApp("/tasks");
  expect(await screen.findByText("3 of 8")).toBeInTheDocument();
  expect(screen.queryByText("1 of 8")).toBeNull();
});
