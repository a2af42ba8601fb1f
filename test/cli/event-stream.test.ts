import { expect, test } from "vitest";
import { UserError } from "../../src/config/user-error.ts";
import { eventsIn, readEvents, type StreamEvent } from "../../src/cli/event-stream.ts";

const answer = (...chunks: string[]) => {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    start: (stream) => {
      for (const chunk of chunks) stream.enqueue(encoder.encode(chunk));
      stream.close();
    },
  });
  return new Response(body);
};

test("events are read wherever the network cuts them; heartbeats are none", async () => {
  const events: StreamEvent[] = [];
  for await (const event of eventsIn(
    answer(": be", "at\n\nid: 1\neve", 'nt: change\ndata: {"a":"é', '"}\n', "\ndata: x"),
  ))
    events.push(event);
  expect(events).toEqual([{ id: "1", event: "change", data: '{"a":"é"}' }]);
});

test("what breaks is taken up again behind the last event, until it is stopped", async () => {
  const abort = new AbortController();
  const asked: (string | null)[] = [];
  const heard: string[] = [];
  const lost: unknown[] = [];
  let opened = 0;
  await readEvents({
    open: async (last) => {
      asked.push(last);
      if (asked.length === 2) throw new Error("nobody listens");
      return answer(`id: ${asked.length}\ndata: ${asked.length}\n\n`);
    },
    onOpen: async () => void (opened += 1),
    onEvent: ({ data }) => {
      heard.push(data);
      if (heard.length === 2) abort.abort();
    },
    onLost: (error) => lost.push(error),
    signal: abort.signal,
    retryMs: 1,
  });
  expect([asked, heard, opened]).toEqual([[null, "1", "1"], ["1", "3"], 1]);
  expect(lost.map(String)).toEqual(["Error: the API closed the stream", "Error: nobody listens"]);
});

test("a first connection that breaks is taken up again too, and what is there is listed afresh when no event came before", async () => {
  const abort = new AbortController();
  const told: string[] = [];
  const broken = () => {
    const body = new ReadableStream({ pull: (stream) => stream.error(new TypeError("terminated")) });
    return Promise.resolve(new Response(body));
  };
  await readEvents({
    open: (last) =>
      told.filter((one) => one === "listed").length === 0
        ? broken()
        : Promise.resolve(answer(`id: 7\ndata: ${last}\n\n`)),
    onOpen: async () => void told.push("listed"),
    onEvent: ({ data }) => {
      told.push(data);
      abort.abort();
    },
    onLost: (error) => told.push(String(error)),
    signal: abort.signal,
    retryMs: 1,
  });
  expect(told).toEqual(["listed", "TypeError: terminated", "listed", "null"]);
});

test("what is refused when it is taken up again is an error, not a wait: the token has ended", async () => {
  let asked = 0;
  const open = () =>
    asked++ === 0 ? Promise.resolve(answer("id: 1\ndata: 1\n\n")) : Promise.reject(new UserError("revoked"));
  const quiet = { onOpen: async () => undefined, onEvent: () => undefined, onLost: () => undefined, retryMs: 1 };
  await expect(readEvents({ open, ...quiet, signal: new AbortController().signal })).rejects.toThrow("revoked");
  expect(asked).toBe(2);
});

test("an API that refuses at once is an error, not a wait", async () => {
  const open = () => Promise.reject(new Error("it asks for a token"));
  const quiet = { onOpen: async () => undefined, onEvent: () => undefined, onLost: () => undefined };
  await expect(readEvents({ open, ...quiet, signal: new AbortController().signal })).rejects.toThrow(
    /asks for a token/,
  );
});
