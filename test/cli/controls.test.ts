import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { catalogueCommand } from "../../src/cli/catalogue.ts";
import { controlCommands } from "../../src/cli/controls.ts";

const NOW = Date.parse("2026-11-21T10:10:00.000Z");
const AT = "2026-11-21T10:00:00.000Z";
let requests: { method: string; path: string; body: unknown }[];
let answer: unknown;
let printed: string;

beforeEach(() => {
  [requests, printed, answer] = [[], "", {}];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((printed += String(text)), true));
});
afterEach(() => vi.restoreAllMocks());

const fakeFetch: typeof fetch = async (url, init) => {
  const body = typeof init?.body === "string" ? (JSON.parse(init.body) as unknown) : null;
  requests.push({ method: init?.method ?? "GET", path: new URL(url).pathname, body });
  return new Response(JSON.stringify(answer), { status: 200 });
};

async function run(...words: string[]): Promise<void> {
  const root = new Command("selfheal").option("--json").exitOverride();
  const outside = { fetch: fakeFetch, now: () => NOW, user: () => "ada" };
  const options = { url: "http://api:1", token: "secret-1", outside };
  for (const command of [...controlCommands(options), catalogueCommand(options)]) {
    for (const one of [command, ...command.commands]) one.exitOverride().configureOutput({ writeErr: () => undefined });
    root.addCommand(command);
  }
  await root.parseAsync(words, { from: "user" });
}

const pause = { id: "0190-pause-1", scope: "group:web", reason: "incident 7", by: "ada", at: AT, until: null };

describe("pause", () => {
  test("sends scope, reason, person and milliseconds, and says how it ends", async () => {
    answer = { ...pause, until: "2026-11-21T12:00:00.000Z" };
    await run("pause", "group:web", "--reason", "incident 7", "--for", "2h");
    const body = { scope: "group:web", reason: "incident 7", by: "ada", forMs: 7_200_000 };
    expect(requests).toEqual([{ method: "POST", path: "/v1/pauses", body }]);
    expect(printed).toBe("group:web is paused until 2026-11-21T12:00:00.000Z (id 0190-pause-1)\n");
  });

  test("without an end it says how to resume", async () => {
    answer = pause;
    await run("pause", "group:web", "--reason", "x", "--by", "eve");
    expect(requests[0]?.body).toEqual({ scope: "group:web", reason: "x", by: "eve" });
    expect(printed).toContain("until `selfheal resume group:web`");
  });

  test.each([
    [["pause", "global"], "--reason"],
    [["pause", "global", "--reason", "x", "--for", "2 hours"], "a duration such as"],
  ])("refuses %o", async (words, why) => {
    await expect(run(...words)).rejects.toThrow(why);
    expect(requests).toEqual([]);
  });
});

test("catalogue says what is not in use of the folder, and why, by its status too", async () => {
  const teams = [{ team: "storage", runbooks: ["raid"], state: "lastGood" }];
  const folder = {
    folder: "/etc/selfheal",
    version: "v1",
    since: AT,
    state: "broken",
    problems: [],
    because: "x",
    teams,
  };
  answer = { version: "v1", active: "v2", folder };
  await run("catalogue");
  expect(requests).toEqual([{ method: "GET", path: "/v1/catalogue", body: null }]);
  expect(printed).toBe(
    "version v1\nactive  v2   (of another `serve`: which folder is right?)\nsince   2026-11-21T10:00:00.000Z\n" +
      "folder  /etc/selfheal: WRONG: its last good version stays in use\n        x\n" +
      "team    storage: WRONG, its last good ones stay in use: raid\n",
  );
  expect(process.exitCode).toBe(1);
  process.exitCode = 0;
});

test("resume says what was lifted and how many were told", async () => {
  answer = { resumed: [pause], hinted: 3 };
  await run("resume", "group:web");
  expect(requests[0]).toMatchObject({ path: "/v1/pauses/resume", body: { what: "group:web", by: "ada" } });
  expect(printed).toBe("resumed group:web; 3 waiting remediations were told\n");
});

describe("pauses", () => {
  test("is an aligned table, without control characters", async () => {
    answer = { pauses: [{ ...pause, reason: "bad\u001b[31m" }] };
    await run("pauses");
    expect(printed).toMatch(
      /^ID +SCOPE +BY +SINCE +UNTIL +REASON\n0190-pause-1 +group:web +ada +10m +until resumed +bad/,
    );
    expect(printed).not.toContain("\u001b");
  });

  test("as JSON is the list itself", async () => {
    answer = { pauses: [pause] };
    await run("--json", "pauses");
    expect(JSON.parse(printed)).toEqual([pause]);
  });

  test("says when nothing is paused", async () => {
    answer = { pauses: [] };
    await run("pauses");
    expect(printed).toBe("nothing is paused\n");
  });
});

test("queue says who waits, since when, why, and who holds it", async () => {
  const held = { remediationId: "r-1", target: { kind: "host", id: "web-1" }, since: AT };
  answer = {
    queue: [
      {
        remediationId: "r-2",
        workflowId: "w",
        target: { kind: "host", id: "web-2" },
        runbook: "disk",
        severity: "critical",
        since: AT,
        position: 1,
        detail: "1 of 1 in work in group:web",
        until: null,
        scopes: [],
        caps: [
          { scope: "target:host:web-2", max: 1, holders: [] },
          { scope: "group:web", max: 1, holders: [{ ...held, state: "leftOut" }] },
        ],
      },
    ],
  };
  await run("queue");
  expect(printed.split("\n")).toEqual([
    "1. host/web-2 (disk, critical), since 10m: r-2",
    "   1 of 1 in work in group:web",
    "   group:web (at most 1) is held by host/web-1 (left out of service)",
    "",
  ]);
});

describe("breaker", () => {
  const breaker = { id: "b", kind: "storm", scope: "group:web", reason: "5 targets", trippedAt: AT };

  test("list says what tripped, when, why, and how many wait", async () => {
    answer = { breakers: [{ ...breaker, remediationId: "r", waiting: 4 }] };
    await run("breaker", "list");
    expect(printed).toMatch(/group:web +storm +10m +4 +5 targets/);
  });

  test.each([
    ["--drop", "drop", "2 were dropped"],
    ["--re-evaluate", "reEvaluate", "3 were told to ask again"],
  ])("reset %s", async (option, how, says) => {
    answer = { reset: [breaker], dropped: ["a", "b"], hinted: 3 };
    await run("breaker", "reset", "group:web", option, "--reason", "switch replaced");
    const body = { scope: "group:web", reason: "switch replaced", by: "ada", how };
    expect(requests).toEqual([{ method: "POST", path: "/v1/breakers/reset", body }]);
    expect(printed).toBe(`storm breaker of group:web reset; of the remediations that waited ${says}\n`);
  });

  test.each([[[]], [["--drop", "--re-evaluate"]]])(
    "reset with %o wants to know what becomes of the waiters",
    async (options) => {
      await expect(run("breaker", "reset", "global", "--reason", "x", ...options)).rejects.toThrow(
        "either --drop or --re-evaluate",
      );
      expect(requests).toEqual([]);
    },
  );
});

describe("target", () => {
  test("out lists who was left out of service", async () => {
    const target = { kind: "host", id: "web-1" };
    answer = {
      leftOut: [{ target, group: "web", remediationId: "r-1", runbook: "disk", since: AT, detail: "it stays out" }],
    };
    await run("target", "out");
    expect(printed).toMatch(/host\/web-1 +web +10m +r-1 +it stays out/);
  });

  test("back tells who said so and why", async () => {
    answer = { target: { kind: "host", id: "web-1" }, remediations: ["r-1"], hinted: 1 };
    await run("target", "back", "host/web-1", "--reason", "new disk");
    expect(requests[0]).toMatchObject({
      path: "/v1/left-out/back",
      body: { target: "host/web-1", reason: "new disk", by: "ada" },
    });
    expect(printed).toBe("host/web-1 counts as back in service; 1 waiting remediations were told\n");
  });
});
