import pino from "pino";
import { afterEach, expect, test } from "vitest";
import type { Change, FeedPlace } from "../../src/record/api-http.ts";
import { ChangeFeed, idOf, placeOf } from "../../src/starters/change-feed.ts";

const log = pino({ level: "silent" });
const at = (ms: number) => new Date(Date.parse("2026-11-21T10:00:00.000Z") + ms).toISOString();
let feed: ChangeFeed;
afterEach(() => feed.close());

const change = (remediationId: string, seq: number, ms: number) =>
  ({ remediationId, seq, at: at(ms), kind: "progress", remediation: {} }) as Change;

/** A record whose rows can be written late, and that can be away. */
function recordOf(rows: Change[]) {
  const key = ({ at: when, remediationId, seq }: FeedPlace) =>
    `${when} ${remediationId} ${String(seq).padStart(9, "0")}`;
  const state = { away: false, reads: 0, now: at(0) };
  const changes = async (after: FeedPlace, limit: number) => {
    state.reads += 1;
    if (state.away) throw new Error("the database is away");
    const sorted = rows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
    return sorted.filter((row) => key(row) > key(after)).slice(0, limit);
  };
  return { state, record: { changes, now: async () => state.now } };
}

function client() {
  const heard: string[] = [];
  let ended = false;
  const subscriber = {
    take: (one: Change) => heard.push(`${one.remediationId}/${one.seq}`),
    end: () => (ended = true),
  };
  return { heard, subscriber, isEnded: () => ended };
}

test("an entry that was committed a little late is told, once", async () => {
  const rows = [change("a", 1, -1_000)];
  feed = new ChangeFeed({ record: recordOf(rows).record, log, everyMs: 2 });
  const { heard, subscriber } = client();
  await feed.subscribe(subscriber, null);
  rows.push(change("b", 1, 3_000));
  await expect.poll(() => heard).toEqual(["b/1"]);
  rows.push(change("c", 1, 1_000));
  await expect.poll(() => heard).toEqual(["b/1", "c/1"]);
});

test("more than a page at once is told whole", async () => {
  const rows: Change[] = [];
  feed = new ChangeFeed({ record: recordOf(rows).record, log, everyMs: 2 });
  const { heard, subscriber } = client();
  await feed.subscribe(subscriber, null);
  rows.push(...Array.from({ length: 1_200 }, (_, seq) => change("a", seq + 1, 100)));
  await expect.poll(() => heard.length).toBe(1_200);
});

test("goes on when the record was away", async () => {
  const rows: Change[] = [];
  const { record, state } = recordOf(rows);
  feed = new ChangeFeed({ record, log, everyMs: 2 });
  const { heard, subscriber } = client();
  await feed.subscribe(subscriber, null);
  state.away = true;
  const before = state.reads;
  await expect.poll(() => state.reads).toBeGreaterThan(before + 2);
  rows.push(change("a", 1, 10));
  state.away = false;
  await expect.poll(() => heard).toEqual(["a/1"]);
});

test("what was missed comes first; too much of it is null", async () => {
  const rows = Array.from({ length: 5_001 }, (_, seq) => change("a", seq + 1, seq));
  const few = recordOf(rows.slice(0, 10));
  feed = new ChangeFeed({ record: few.record, log });
  const missed = await feed.subscribe(client().subscriber, { at: at(3), remediationId: "a", seq: 4 });
  expect(missed?.map(({ seq }) => seq)).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 10]);
  const other = new ChangeFeed({ record: recordOf(rows).record, log });
  expect(await other.subscribe(client().subscriber, { at: at(0), remediationId: "", seq: 0 })).toBeNull();
  other.close();
});

test("nobody is asked while nobody listens, and there is a bound on who may", async () => {
  const { record, state } = recordOf([]);
  feed = new ChangeFeed({ record, log, everyMs: 2, maxClients: 1 });
  const first = client();
  await feed.subscribe(first.subscriber, null);
  await expect(feed.subscribe(client().subscriber, null)).rejects.toThrow(/1 clients are listening/);
  feed.leave(first.subscriber);
  await expect
    .poll(async () => {
      const before = state.reads;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return state.reads - before;
    })
    .toBe(0);
  const second = client();
  await feed.subscribe(second.subscriber, null);
  feed.close();
  expect(second.isEnded()).toBe(true);
  await expect(feed.subscribe(client().subscriber, null)).rejects.toThrow(/stopping/);
});

test("an event's id names its place, and nothing else does", () => {
  const place = { at: at(0), remediationId: "a", seq: 3 };
  expect(placeOf(idOf(place))).toEqual(place);
  for (const id of ["", "x", idOf({ ...place, at: "now" }), idOf({ ...place, seq: 0.5 })])
    expect(placeOf(id)).toBeNull();
});
