import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createMemoryRouter, Link, RouterProvider } from "react-router";
import { afterEach, expect, test, vi } from "vitest";
import { useSearchInAddress } from "../useSearchInAddress";

afterEach(() => {
  vi.useRealTimers();
});

function Search() {
  const { q, text, setText } = useSearchInAddress();
  return (
    <>
      <input aria-label="search" value={text} onChange={(event) => setText(event.target.value)} />
      <p>asked for {q || "nothing"}</p>
      <Link to="/found">Found</Link>
    </>
  );
}

function start() {
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const router = createMemoryRouter(
    [
      { path: "/", element: <Search /> },
      {
        path: "/found",
        lazy: async () => {
          await arrived;
          return { Component: () => <p>here it is</p> };
        },
      },
    ],
    { initialEntries: ["/?q=old"] },
  );
  render(<RouterProvider router={router} />);
  return { router, arrive };
}

test("what was typed is in the address when typing rests", async () => {
  const { router } = start();
  await userEvent.clear(screen.getByLabelText("search"));
  await userEvent.type(screen.getByLabelText("search"), "new");
  expect(await screen.findByText("asked for new")).toBeInTheDocument();
  expect(router.state.location.search).toBe("?q=new");
});

test("a link that is followed before typing rests is not called off", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTime });
  const { router, arrive } = start();
  await user.type(screen.getByLabelText("search"), "er");
  await user.click(screen.getByRole("link", { name: "Found" }));
  // Typing has rested now.
  await act(() => vi.advanceTimersByTimeAsync(1_000));
  expect(router.state.navigation.state).toBe("loading");
  arrive();
  await waitFor(() => expect(router.state.location.pathname).toBe("/found"));
  expect(screen.getByText("here it is")).toBeInTheDocument();
});
