import pino from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import { notifier } from "../../../src/activities/notify/notifier.ts";
import { standingOf } from "../../../src/activities/notify/standing.ts";
import { updateThreads } from "../../../src/activities/notify/threads.ts";
import { AdapterError } from "../../../src/ports/failure.ts";
import type { ChannelPort, Message, Posting, Standing } from "../../../src/ports/ports.ts";
import type { RecordStore, RemediationRow, RemediationStory } from "../../../src/record/api.ts";
import type { StaleThread, ThreadRow } from "../../../src/record/api-notifications.ts";
import { catalogueOf } from "../../catalogue/support.ts";

const log = pino({ level: "silent" });

/** A channel in memory. `broken`: it takes nothing. */
class Channel implements ChannelPort {
  readonly posts: { posting: Posting; thread: string | null }[] = [];
  readonly shown: { thread: string; standing: Standing }[] = [];
  broken = false;
  readonly #name: string;
  constructor(name: string) {
    this.#name = name;
  }
  async post(posting: Posting, thread: string | null): Promise<string | null> {
    this.check();
    this.posts.push({ posting, thread });
    return thread ?? `${this.#name}-${this.posts.length}`;
  }
  async show(thread: string, standing: Standing): Promise<void> {
    this.check();
    this.shown.push({ thread, standing });
  }
  private check(): void {
    if (this.broken) throw new AdapterError("transient", { system: this.#name, operation: "post" }, "it is down");
  }
}

const row: RemediationRow = {
  ...{ remediationId: "r1", workflowId: "heal:host:web-1", runId: "run", target: { kind: "host", id: "web-1" } },
  ...{ runbook: "disk", group: "web", owner: "web-team", severity: "critical", phase: "act", doing: "drains" },
  ...{ phaseUntil: null, planHash: "abc", catalogueVersion: "v", outcome: null, needsHuman: false, detail: "" },
  ...{ openedAt: "2026-11-21T00:00:00.000Z", closedAt: null },
};
const story = (changes: Partial<RemediationRow> = {}): RemediationStory => ({
  remediation: { ...row, ...changes },
  ...{ plan: null, alerts: [], verdicts: [], decisions: [], waits: [], escalations: [], audit: [] },
  effects: [
    { action: "loadbalancer.drain", direction: "apply", state: "happened" },
    { action: "loadbalancer.drain", direction: "undo", state: "failed" },
  ] as RemediationStory["effects"],
});
const page: Message = { key: "r1/end", route: "page", title: "web-1 escalated", text: "bad", remediationId: "r1" };

let pager: Channel;
let chat: Channel;
let threads: ThreadRow[];
let tried: { channel: string; error: string | null; remediationId: string | null }[];
let away: boolean;
let asked: number;
beforeEach(() => {
  [pager, chat, threads, tried, away, asked] = [new Channel("pager"), new Channel("chat"), [], [], false, 0];
});

function send(message: Message, known: RemediationStory | null = story()): Promise<void> {
  const answer = <T>(value: T): Promise<T> => {
    asked += 1;
    return away
      ? Promise.reject(Object.assign(new Error("away"), { kind: "RecordUnavailable" }))
      : Promise.resolve(value);
  };
  const record = {
    story: () => answer(known),
    threads: () => answer(threads),
    keepThread: (thread: ThreadRow, was: string | null) => {
      threads = [...threads.filter(({ reference }) => reference !== was), thread];
      return answer(undefined);
    },
    channelTried: (one: (typeof tried)[number]) => answer(void tried.push(one)),
  } as unknown as RecordStore;
  const active = () => answer(catalogueOf());
  return notifier({ record, active, channels: () => ({ pager, chat }), log }).send(message);
}

describe("a message", () => {
  it("goes to the first channel alone", async () => {
    await send(page);
    expect([pager.posts.length, chat.posts.length]).toEqual([1, 0]);
    expect(tried).toMatchObject([{ channel: "pager", error: null, remediationId: "r1" }]);
  });

  it("falls through to the next channel when one does not take it, and both are written down", async () => {
    pager.broken = true;
    await send(page);
    expect(chat.posts).toHaveLength(1);
    expect(tried).toMatchObject([
      { channel: "pager", error: "pager post: it is down" },
      { channel: "chat", error: null },
    ]);
  });

  it("that no channel took is rejected with every reason, so that it is sent again", async () => {
    [pager.broken, chat.broken] = [true, true];
    await expect(send(page)).rejects.toThrow(/pager: pager post: it is down; chat: chat post: it is down/);
  });

  it("of a page says the state, what was tried, what waits, and the next command", async () => {
    await send(page);
    expect(pager.posts[0]?.posting.text).toBe(
      "bad\nState: in act: drains\nTried: loadbalancer.drain: happened, loadbalancer.drain undo: failed\n" +
        "Waiting: nothing\nNext: selfheal remediation show r1",
    );
  });

  it("goes into the thread of its remediation, one in each channel", async () => {
    await send(page);
    await send({ ...page, key: "r1/more" });
    pager.broken = true;
    await send({ ...page, key: "r1/again" });
    expect(pager.posts.map(({ thread }) => thread)).toEqual([null, "pager-1"]);
    expect(threads).toMatchObject([
      { channel: "pager", reference: "pager-1", opening: { key: "r1/end" } },
      { channel: "chat", reference: "chat-1" },
    ]);
  });

  it("is told without the record, when that is away: it is asked once", async () => {
    away = true;
    await send(page);
    expect(asked).toBe(1);
    expect(pager.posts).toMatchObject([{ posting: { text: "bad", title: "web-1 escalated" }, thread: null }]);
  });

  it("keeps the reference that a channel answers anew", async () => {
    await send(page);
    pager.post = () => Promise.resolve("pager-2");
    await send({ ...page, key: "r1/more" });
    expect(threads).toMatchObject([{ channel: "pager", reference: "pager-2", opening: { key: "r1/more" } }]);
  });

  it("about what the record does not know is told, and has no thread", async () => {
    await send({ ...page, remediationId: "gone" }, null);
    expect(pager.posts).toHaveLength(1);
    expect(threads).toEqual([]);
    expect(tried).toMatchObject([{ remediationId: null }]);
  });
});

describe("how a remediation stands", () => {
  it.each([
    [{}, null, "open", []],
    [{}, "ada", "acknowledged", []],
    [{ phase: "approve" }, null, "open", ["approve", "reject"]],
    [{ closedAt: "x", outcome: "healed" }, "ada", "resolved", ["good", "falsePositive", "masking"]],
    [{ closedAt: "x", outcome: "escalated", needsHuman: true }, null, "left", ["good", "falsePositive", "masking"]],
  ] as [Partial<RemediationRow>, string | null, string, string[]][])(
    "%j, decided by %s: %s",
    (changes, by, state, verbs) => {
      const standing = standingOf({ ...row, ...changes }, by);
      expect(standing.state).toBe(state);
      expect(standing.choices.map(({ verb }) => verb)).toEqual(verbs);
    },
  );

  it("offers to approve exactly the plan that waits, and says how", () => {
    const { choices, text } = standingOf({ ...row, phase: "approve" }, null);
    expect(choices[0]).toEqual({ verb: "approve", remediationId: "r1", planHash: "abc" });
    expect(text).toContain("selfheal remediation approve r1");
  });
});

describe("threads are brought up to date", () => {
  const stale = (channel: string): StaleThread => ({
    ...{ remediationId: "r1", channel, reference: `${channel}-1`, acknowledgedBy: null, stands: "closed|healed|f" },
    opening: { key: "r1/end", route: "page", title: "t", text: "x" },
    remediation: { ...row, closedAt: "x", outcome: "healed", phase: "closed" },
  });

  it("and one that cannot be is left for another try, the others not", async () => {
    const shown: (string | null)[][] = [];
    pager.broken = true;
    const record = {
      staleThreads: () => Promise.resolve([stale("pager"), stale("chat"), stale("gone")]),
      threadShown: (thread: StaleThread, error: string | null) =>
        Promise.resolve(void shown.push([thread.channel, error])),
    } as unknown as RecordStore;
    expect(await updateThreads({ record, channels: () => ({ pager, chat }), log })).toBe(2);
    expect(shown.sort()).toEqual([
      ["chat", null],
      ["gone", null],
      ["pager", "pager post: it is down"],
    ]);
    expect(chat.shown).toMatchObject([{ thread: "chat-1", standing: { state: "resolved" } }]);
  });
});
