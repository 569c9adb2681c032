import { afterEach, expect, test, vi } from "vitest";
import { ApiError } from "./api/errors";
import { backoffMs, EventParser, openEventStream, type ServerEvent, type StreamState } from "./eventStream";

const parse = (...pieces: string[]) => {
  const parser = new EventParser();
  return { events: pieces.flatMap((piece) => parser.push(piece)), parser };
};

test.each([
  ["LF", "event: snapshot\ndata: {}\n\n"],
  ["CRLF", "event: snapshot\r\ndata: {}\r\n\r\n"],
  ["CR", "event: snapshot\rdata: {}\r\r:\n"],
])("reads an event whose lines end in %s", (_, text) => {
  expect(parse(text).events).toEqual([{ event: "snapshot", data: "{}" }]);
});

test("pieces may be cut anywhere", () => {
  const text = "\uFEFFevent: a\r\ndata: one\r\ndata: two\r\n\r\n: ping\r\n\r\ndata:three\r\n\r\n";
  const expected = [
    { event: "a", data: "one\ntwo" },
    { event: "message", data: "three" },
  ];
  for (let cut = 0; cut <= text.length; cut += 1) {
    expect(parse(text.slice(0, cut), text.slice(cut)).events).toEqual(expected);
  }
  expect(parse(...text).events).toEqual(expected);
});

test("comments, unknown fields and events without data are passed over; id and retry are kept", () => {
  const { events, parser } = parse(
    "id: 7\nretry: 250\nretry: soon\nfoo: bar\n: hi\nevent: empty\n\ndata\n\n",
  );
  expect(events).toEqual([{ event: "message", data: "" }]);
  expect([parser.lastEventId, parser.retryMs]).toEqual(["7", 250]);
});

test("what the server cut off before its empty line is no event", () => {
  expect(parse("data: half").events).toEqual([]);
});

test("waits longer with each failure, up to a minute, half of it by chance", () => {
  expect([1, 2, 3, 20].map((failures) => backoffMs(failures, 1_000, () => 1))).toEqual([
    1_000, 2_000, 4_000, 60_000,
  ]);
  expect(backoffMs(3, 1_000, () => 0)).toBe(2_000);
  expect(backoffMs(0, 5_000, () => 1)).toBe(5_000);
});

/** A server under the test's hand: each call to the stream is answered by the next step. */
function serve(...steps: ((request: Request) => Response | Promise<Response>)[]) {
  const requests: Request[] = [];
  const states: StreamState[] = [];
  const events: ServerEvent[] = [];
  const delays: number[] = [];
  const close = openEventStream({
    url: "/api/v1/jobs/stream",
    onEvent: (event) => events.push(event),
    onState: (state) => states.push(state),
    delay: (failures) => {
      delays.push(failures);
      return 0;
    },
    fetch: async (request) => {
      requests.push(request);
      const step = steps[requests.length - 1];
      return step ? step(request) : new Promise(() => {});
    },
  });
  return { requests, states, events, delays, close };
}

const stream = (text: string, headers = { "content-type": "text/event-stream; charset=utf-8" }) =>
  new Response(text, { headers });
const refused = (status: number) => () => Promise.reject(new ApiError({ status, code: "test", title: "no" }));

afterEach(() => vi.restoreAllMocks());

test("comes back after the server ends the stream, and says where it was", async () => {
  const { requests, states, events, delays, close } = serve(
    () => stream("id: 41\ndata: a\n\n"),
    () => stream("data: b\n\n"),
  );
  await vi.waitFor(() => expect(requests).toHaveLength(3));
  close();
  expect(events.map((event) => event.data)).toEqual(["a", "b"]);
  expect(requests.map((request) => request.headers.get("last-event-id"))).toEqual([null, "41", "41"]);
  expect(states).toEqual(["connecting", "live", "waiting", "connecting", "live", "waiting", "connecting"]);
  expect(delays).toEqual([0, 0]);
});

test("tells to ask by other means after three failures, and stops telling once it is live", async () => {
  const { requests, states, delays, close } = serve(refused(503), refused(0), refused(502), () =>
    stream("data: a\n\n"),
  );
  await vi.waitFor(() => expect(requests).toHaveLength(5));
  close();
  expect(delays).toEqual([1, 2, 3, 0]);
  expect(states).toEqual([
    "connecting",
    "waiting",
    "connecting",
    "waiting",
    "connecting",
    "failing",
    "live",
    "waiting",
    "connecting",
  ]);
});

test("what no repetition mends is told at once", async () => {
  const { states, requests, close } = serve(refused(403));
  await vi.waitFor(() => expect(requests).toHaveLength(2));
  close();
  expect(states.slice(0, 2)).toEqual(["connecting", "failing"]);
});

test("a reply that is no event stream is a failure", async () => {
  const { events, delays, requests, close } = serve(() =>
    stream("data: a\n\n", { "content-type": "text/html" }),
  );
  await vi.waitFor(() => expect(requests).toHaveLength(2));
  close();
  expect([events, delays]).toEqual([[], [1]]);
});

test("lets go while the tab is hidden and takes hold again when it is shown", async () => {
  const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(false);
  const { requests, states, close } = serve();
  await vi.waitFor(() => expect(requests).toHaveLength(1));
  hidden.mockReturnValue(true);
  document.dispatchEvent(new Event("visibilitychange"));
  expect(requests[0]?.signal.aborted).toBe(true);
  expect(states.at(-1)).toBe("hidden");
  hidden.mockReturnValue(false);
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.waitFor(() => expect(requests).toHaveLength(2));
  close();
  expect(requests[1]?.signal.aborted).toBe(true);
});
