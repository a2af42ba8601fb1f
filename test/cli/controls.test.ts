import { describe, expect, test } from "vitest";
import { catalogueCommand } from "../../src/cli/catalogue.ts";
import { controlCommands } from "../../src/cli/controls.ts";
import { AT, fakeApi } from "./support/fake-api.ts";

const api = fakeApi((options) => [...controlCommands(options), catalogueCommand(options)]);

const pause = { id: "0190-pause-1", scope: "group:web", reason: "incident 7", by: "ada", at: AT, until: null };

describe("pause", () => {
  test("sends scope, reason, person and milliseconds, and says how it ends", async () => {
    api.answer = { ...pause, until: "2026-11-21T12:00:00.000Z" };
    await api.run("pause", "group:web", "--reason", "incident 7", "--for", "2h");
    const body = { scope: "group:web", reason: "incident 7", by: "ada", forMs: 7_200_000 };
    expect(api.requests).toEqual([{ method: "POST", path: "/v1/pauses", body }]);
    expect(api.printed).toBe("group:web is paused until 2026-11-21T12:00:00.000Z (id 0190-pause-1)\n");
  });

  test("without an end it says how to resume", async () => {
    api.answer = pause;
    await api.run("pause", "group:web", "--reason", "x", "--by", "eve");
    expect(api.requests[0]?.body).toEqual({ scope: "group:web", reason: "x", by: "eve" });
    expect(api.printed).toContain("until `selfheal resume group:web`");
  });

  test.each([
    [["pause", "global"], "--reason"],
    [["pause", "global", "--reason", "x", "--for", "2 hours"], "a duration such as"],
  ])("refuses %o", async (words, why) => {
    await expect(api.run(...words)).rejects.toThrow(why);
    expect(api.requests).toEqual([]);
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
  api.answer = { version: "v1", active: "v2", folder };
  await api.run("catalogue");
  expect(api.requests).toEqual([{ method: "GET", path: "/v1/catalogue", body: null }]);
  expect(api.printed).toBe(
    "version v1\nactive  v2   (of another `serve`: which folder is right?)\nsince   2026-11-21T10:00:00.000Z\n" +
      "folder  /etc/selfheal: WRONG: its last good version stays in use\n        x\n" +
      "team    storage: WRONG, its last good ones stay in use: raid\n",
  );
  expect(process.exitCode).toBe(1);
  process.exitCode = 0;
});

test("resume says what was lifted and how many were told", async () => {
  api.answer = { resumed: [pause], hinted: 3 };
  await api.run("resume", "group:web");
  expect(api.requests[0]).toMatchObject({ path: "/v1/pauses/resume", body: { what: "group:web", by: "ada" } });
  expect(api.printed).toBe("resumed group:web; 3 waiting remediations were told\n");
});

describe("pauses", () => {
  test("is an aligned table, without control characters", async () => {
    api.answer = { pauses: [{ ...pause, reason: "bad\u001b[31m" }] };
    await api.run("pauses");
    expect(api.printed).toMatch(
      /^ID +SCOPE +BY +SINCE +UNTIL +REASON\n0190-pause-1 +group:web +ada +10m +until resumed +bad/,
    );
    expect(api.printed).not.toContain("\u001b");
  });

  test("as JSON is the list itself", async () => {
    api.answer = { pauses: [pause] };
    await api.run("--json", "pauses");
    expect(JSON.parse(api.printed)).toEqual([pause]);
  });

  test("says when nothing is paused", async () => {
    api.answer = { pauses: [] };
    await api.run("pauses");
    expect(api.printed).toBe("nothing is paused\n");
  });
});

test("queue says who waits, since when, why, and who holds it", async () => {
  const held = { remediationId: "r-1", target: { kind: "host", id: "web-1" }, since: AT };
  api.answer = {
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
        pauses: [
          { id: "p", scope: "global", reason: "incident 7", by: "ann", at: AT, until: "2026-11-22T08:00:00.000Z" },
        ],
        scopes: [],
        caps: [
          { scope: "target:host:web-2", max: 1, holders: [] },
          { scope: "group:web", max: 1, holders: [{ ...held, state: "leftOut" }] },
        ],
      },
    ],
  };
  await api.run("queue");
  expect(api.printed.split("\n")).toEqual([
    "1. host/web-2 (disk, critical), since 10m: r-2",
    "   1 of 1 in work in group:web",
    "   global is paused by ann: incident 7, until 2026-11-22T08:00:00.000Z",
    "   group:web (at most 1) is held by host/web-1 (left out of service)",
    "",
  ]);
});

describe("breaker", () => {
  const breaker = { id: "b", kind: "storm", scope: "group:web", reason: "5 targets", trippedAt: AT };

  test("list says what tripped, when, why, and how many wait", async () => {
    api.answer = { breakers: [{ ...breaker, remediationId: "r", waiting: 4 }] };
    await api.run("breaker", "list");
    expect(api.printed).toMatch(/group:web +storm +10m +4 +5 targets/);
  });

  test.each([
    ["storm", "storm"],
    ["errorBudget", "error budget"],
    ["correlation", "correlation"],
  ])("%s is called by its own name", async (kind, name) => {
    api.answer = { breakers: [{ ...breaker, kind, remediationId: "r", waiting: 4 }] };
    await api.run("breaker", "list");
    expect(api.printed).toContain(`group:web  ${name}  10m`);
    api.answer = { reset: [{ ...breaker, kind }], dropped: [], hinted: 0 };
    await api.run("breaker", "reset", "group:web", "--drop", "--reason", "x");
    expect(api.printed).toContain(`${name} breaker of group:web reset`);
  });

  test.each([
    ["--drop", "drop", "2 were dropped"],
    ["--re-evaluate", "reEvaluate", "3 were told to ask again"],
  ])("reset %s", async (option, how, says) => {
    api.answer = { reset: [breaker], dropped: ["a", "b"], hinted: 3 };
    await api.run("breaker", "reset", "group:web", option, "--reason", "switch replaced");
    const body = { scope: "group:web", reason: "switch replaced", by: "ada", how };
    expect(api.requests).toEqual([{ method: "POST", path: "/v1/breakers/reset", body }]);
    expect(api.printed).toBe(`storm breaker of group:web reset; of the remediations that waited ${says}\n`);
  });

  test.each([[[]], [["--drop", "--re-evaluate"]]])(
    "reset with %o wants to know what becomes of the waiters",
    async (options) => {
      await expect(api.run("breaker", "reset", "global", "--reason", "x", ...options)).rejects.toThrow(
        "either --drop or --re-evaluate",
      );
      expect(api.requests).toEqual([]);
    },
  );
});

describe("target", () => {
  test("out lists who was left out of service, and of whom it is not known, with what to do", async () => {
    const out = { group: "web", runbook: "disk", since: AT, detail: "it stays out" };
    api.answer = {
      leftOut: [
        { ...out, target: { kind: "host", id: "web-1" }, remediationId: "r-1", state: "leftOut" },
        { ...out, target: { kind: "host", id: "web-2" }, remediationId: "r-2", state: "orphaned" },
      ],
    };
    await api.run("target", "out");
    expect(api.printed).toMatch(/host\/web-1 +web +left out +10m +r-1 +it stays out/);
    expect(api.printed).toMatch(
      /host\/web-2 +web +not known +10m +r-2 +look, then `remediation release-leases r-2`: it stays out/,
    );
  });

  test("back tells who said so and why", async () => {
    api.answer = { target: { kind: "host", id: "web-1" }, remediations: ["r-1"], hinted: 1 };
    await api.run("target", "back", "host/web-1", "--reason", "new disk");
    expect(api.requests[0]).toMatchObject({
      path: "/v1/left-out/back",
      body: { target: "host/web-1", reason: "new disk", by: "ada" },
    });
    expect(api.printed).toBe("host/web-1 counts as back in service; 1 waiting remediations were told\n");
  });
});
