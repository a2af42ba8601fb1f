import pino from "pino";
import { beforeEach, describe, expect, test } from "vitest";
import type { Ports } from "../../src/ports/ports.ts";
import type { WaitRow } from "../../src/record/api.ts";
import { createWatchActivities } from "../../src/watchers/activity.ts";
import { watchOnce, Watcher, type WatchDependencies } from "../../src/watchers/watch.ts";

let waits: WaitRow[];
let waiters: { workflowId: string; remediationId: string }[];
let hints: { workflowId: string; about: string }[];
let questions: string[];
let clock: number;
let answers: Answers;

interface Answers {
  tickets: Record<string, "open" | "resolved" | "rejected">;
  nodes: Record<string, "active" | "busy" | "failed" | "other">;
  sessions: Record<string, number>;
  power: Record<string, "on" | "off" | "changing">;
  metrics: Record<string, number>;
  broken: Set<string>;
}

beforeEach(() => {
  waits = [];
  waiters = [];
  hints = [];
  questions = [];
  clock = 0;
  answers = { tickets: {}, nodes: {}, sessions: {}, power: {}, metrics: {}, broken: new Set() };
});

function asked(system: string, question: string): void {
  questions.push(`${system} ${question}`);
  if (answers.broken.has(system)) throw new Error(`${system} does not answer`);
}

const ports = {
  tickets: {
    getMany: async (ids: string[]) => {
      asked("tickets", ids.join(","));
      return ids.flatMap((id) => (answers.tickets[id] === undefined ? [] : [{ id, status: answers.tickets[id] }]));
    },
  },
  provisioner: {
    nodes: async (names: string[]) => {
      asked("provisioner", names.join(","));
      return names.flatMap((node) => (answers.nodes[node] === undefined ? [] : [{ node, state: answers.nodes[node] }]));
    },
  },
  loadBalancer: {
    servers: async () => {
      asked("loadbalancer", "all");
      return Object.entries(answers.sessions).map(([name, sessions]) => {
        const [pool = "", server = ""] = name.split("/");
        return { pool, server, sessions };
      });
    },
  },
  bmc: {
    power: async (system: string) => {
      asked(`bmc-${system}`, "power");
      return answers.power[system] ?? "off";
    },
  },
  metrics: {
    scalar: async (query: string) => {
      asked("metrics", query);
      const value = answers.metrics[query];
      return value === undefined ? { ok: false, reason: `no series for ${query}` } : { ok: true, value, ageMs: 1 };
    },
  },
} as unknown as Ports;

function dependencies(change: Partial<WatchDependencies> = {}): WatchDependencies {
  return {
    record: {
      openWaits: async (system) => waits.filter((wait) => wait.system === system),
      markSeen: async (key, seen) => {
        for (const wait of waits) if (wait.key === key) wait.seen = seen;
      },
      admissibleWaiters: async () => waiters,
    },
    ports,
    remediations: {
      hint: async (workflowId, about) => {
        hints.push({ workflowId, about });
        return "told";
      },
    },
    log: pino({ level: "silent" }),
    now: () => clock,
    ...change,
  };
}

function wait(system: string, ref: string, seen: string, key = `${system}/${ref}`): WaitRow {
  const row = {
    key,
    remediationId: `r-${ref}`,
    workflowId: `heal:host:${ref}`,
    system,
    ref,
    seen,
    since: "",
    until: null,
  };
  waits.push(row);
  return row;
}

describe("one round", () => {
  test.each([
    ["tickets", "42", "open", () => (answers.tickets["42"] = "resolved"), "resolved"],
    ["provisioner", "node-1", "busy", () => (answers.nodes["node-1"] = "active"), "active"],
    ["loadbalancer", "web/web-1", "busy", () => (answers.sessions["web/web-1"] = 0), "idle"],
    ["loadbalancer", "web/web-1", "idle", () => (answers.sessions["web/web-1"] = 3), "busy"],
    ["bmc", "bmc-1", "changing", () => (answers.power["bmc-1"] = "on"), "on"],
    ["tickets", "43", "open", () => undefined, "gone"],
  ])("of %s %s: a state that is not %s any more hints its waiter, once", async (system, ref, seen, change, word) => {
    const row = wait(system, ref, seen);
    change();
    await watchOnce(dependencies());
    expect(hints).toEqual([{ workflowId: row.workflowId, about: row.key }]);
    expect(row.seen).toBe(word);
    await watchOnce(dependencies());
    expect(hints).toHaveLength(1);
  });

  test("with nothing changed hints nobody: a day of waiting adds nothing to a history", async () => {
    wait("tickets", "42", "open");
    answers.tickets["42"] = "open";
    const watcher = new Watcher(dependencies());
    for (let round = 0; round < 50; round++) await watcher.once();
    expect(hints).toEqual([]);
  });

  test("asks each system once for all that is waited for, and nobody when nothing is", async () => {
    for (let index = 0; index < 150; index++) {
      wait("tickets", `${index}`, "open");
      answers.tickets[`${index}`] = "open";
    }
    wait("tickets", "7", "open", "another waiter of the same ticket");
    wait("loadbalancer", "web/a", "busy");
    wait("loadbalancer", "web/b", "busy");
    await watchOnce(dependencies());
    expect(questions.map((question) => question.split(" ")[0])).toEqual(["tickets", "loadbalancer"]);
  });

  test("cuts a long list into questions of 200", async () => {
    for (let index = 0; index < 450; index++) wait("provisioner", `n${index}`, "busy");
    await watchOnce(dependencies());
    expect(questions.map((question) => question.split(",").length)).toEqual([200, 200, 50]);
    expect(hints).toHaveLength(450);
  });

  test("goes on with the other systems when one does not answer, and says which", async () => {
    wait("tickets", "42", "open");
    wait("provisioner", "node-1", "busy");
    answers.broken.add("tickets");
    answers.nodes["node-1"] = "failed";
    const report = await watchOnce(dependencies());
    expect(hints.map((hint) => hint.about)).toEqual(["provisioner/node-1"]);
    expect(report).toMatchObject({ waits: 2, hints: 1, failures: ["tickets: tickets does not answer"] });
  });

  test("a system that does not answer is no news: nobody is hinted that something is gone", async () => {
    const row = wait("tickets", "42", "open");
    answers.broken.add("tickets");
    await watchOnce(dependencies());
    expect([hints, row.seen]).toEqual([[], "open"]);
  });

  test("one BMC that does not answer does not hide the others", async () => {
    wait("bmc", "dead", "off");
    wait("bmc", "alive", "off");
    answers.broken.add("bmc-dead");
    answers.power["alive"] = "on";
    await watchOnce(dependencies());
    expect(hints.map((hint) => hint.about)).toEqual(["bmc/alive"]);
  });

  test("a hint that Temporal did not take is sent again in the next round", async () => {
    const row = wait("tickets", "42", "open");
    answers.tickets["42"] = "resolved";
    const away = { hint: () => Promise.reject(new Error("Temporal is away")) };
    const report = await watchOnce(dependencies({ remediations: away }));
    expect([report.failures, row.seen]).toEqual([["tickets: Temporal is away"], "open"]);
    await watchOnce(dependencies());
    expect(hints).toHaveLength(1);
  });
});

describe("harm", () => {
  const harm = (change: object = {}) =>
    JSON.stringify({ query: "availability", maxAgeMs: 60_000, better: "higher", bound: 0.95, ...change });

  test.each([
    ["higher", 0.96, false],
    ["higher", 0.94, true],
    ["lower", 0.94, false],
    ["lower", 0.96, true],
  ])("with %s better, %d beyond a bound of 0.95 is harm: %s", async (better, value, hinted) => {
    wait("metrics", harm({ better }), "ok", "r-1/harm");
    answers.metrics["availability"] = value;
    await watchOnce(dependencies());
    expect(hints.map((hint) => hint.about)).toEqual(hinted ? ["r-1/harm"] : []);
  });

  test("one query for many plans is asked once", async () => {
    for (let index = 0; index < 20; index++) wait("metrics", harm({ bound: index / 20 }), "ok", `r-${index}/harm`);
    answers.metrics["availability"] = 0.5;
    await watchOnce(dependencies());
    expect(questions).toEqual(["metrics availability"]);
    expect(hints).toHaveLength(9);
  });

  test("what cannot be read or is written wrong is no harm", async () => {
    wait("metrics", harm(), "ok");
    wait("metrics", "not JSON", "ok");
    const report = await watchOnce(dependencies());
    expect(hints).toEqual([]);
    expect(report.failures).toEqual(["metrics: no series for availability"]);
  });
});

describe("the queue", () => {
  test("a waiter that may now be admissible is told to ask again", async () => {
    waiters = [{ workflowId: "heal:host:web-1", remediationId: "r-1" }];
    await watchOnce(dependencies());
    expect(hints).toEqual([{ workflowId: "heal:host:web-1", about: "r-1/queue" }]);
  });

  test("one that does not take it is not told in every round: hints grow its history", async () => {
    waiters = [{ workflowId: "heal:host:web-1", remediationId: "r-1" }];
    const watcher = new Watcher(dependencies());
    for (clock = 0; clock < 60_000; clock += 1_000) await watcher.once();
    expect(hints).toHaveLength(2);
  });

  test("one that was told is told again, though the clock was set back meanwhile", async () => {
    waiters = [{ workflowId: "heal:host:web-1", remediationId: "r-1" }];
    const watcher = new Watcher(dependencies());
    clock = 3_600_000;
    await watcher.once();
    for (clock = 0; clock < 30_000; clock += 10_000) await watcher.once();
    expect(hints.length).toBeGreaterThan(1);
  });
});

describe("the activity", () => {
  test("goes round for its time, heartbeats, and answers what it did", async () => {
    wait("tickets", "42", "open");
    answers.tickets["42"] = "resolved";
    const beats: unknown[] = [];
    const handle = {
      heartbeat: (details: unknown) => beats.push(details),
      cancellationSignal: new AbortController().signal,
    };
    const activities = createWatchActivities(dependencies(), () => handle);
    const totals = await activities["watch.run"]({ forMs: 250, everyMs: 50 });
    expect(totals).toMatchObject({ hints: 1, failures: [] });
    expect(totals.rounds).toBeGreaterThanOrEqual(3);
    expect(beats.length).toBeGreaterThanOrEqual(totals.rounds);
  });

  test("ends soon and without an error when the worker shuts down", async () => {
    const stop = new AbortController();
    const handle = { heartbeat: () => undefined, cancellationSignal: stop.signal };
    const running = createWatchActivities(dependencies(), () => handle)["watch.run"]({
      forMs: 60_000,
      everyMs: 30_000,
    });
    setTimeout(() => stop.abort(), 50);
    expect(await running).toMatchObject({ rounds: 1 });
  });
});
