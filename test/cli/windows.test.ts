import { describe, expect, test } from "vitest";
import { surroundingCommands } from "../../src/cli/windows.ts";
import { AT, fakeApi } from "./support/fake-api.ts";

const UNTIL = "2026-11-21T12:00:00.000Z";
const api = fakeApi(surroundingCommands);

const window = {
  id: "0190-window",
  kind: "deploy",
  scope: "service:shop",
  reason: "x",
  by: "ada",
  from: AT,
  until: UNTIL,
};

describe("windows", () => {
  test("open sends who, why and how long", async () => {
    api.answer = window;
    await api.run("windows", "open", "service:shop", "--kind", "deploy", "--for", "2h", "--reason", "release 42");
    const body = { scope: "service:shop", by: "ada", kind: "deploy", reason: "release 42", forMs: 7_200_000 };
    expect(api.requests).toEqual([{ method: "POST", path: "/v1/windows", body }]);
    expect(api.printed).toBe(`deploy window of service:shop from ${AT} until ${UNTIL} (id 0190-window)\n`);
  });

  test.each([
    [[], "--for or --until"],
    [["--for", "1h", "--until", UNTIL], "--for or --until"],
    [["--for", "an hour"], "a duration such as"],
    [["--for", "1h", "--kind", "freeze"], "maintenance, deploy"],
  ])("open refuses %o", async (words, why) => {
    await expect(api.run("windows", "open", "global", "--reason", "x", ...words)).rejects.toThrow(why);
    expect(api.requests).toEqual([]);
  });

  test("list shows what is open, what is to come, and what the file says", async () => {
    api.answer = {
      windows: [
        { id: "0190-window", kind: "deploy", scope: "service:shop", open: true, until: UNTIL, detail: "ada: x" },
        {
          id: "night",
          kind: "maintenance",
          scope: "group:web",
          open: false,
          until: null,
          detail: "selfheal.yaml: tue",
        },
      ],
    };
    await api.run("windows", "list");
    expect(api.printed).toContain(`0190-window  deploy       service:shop  open  ${UNTIL}  ada: x`);
    expect(api.printed).toContain("night        maintenance  group:web");
  });

  test("close says what was closed and how many were told", async () => {
    api.answer = { closed: [window], hinted: 2 };
    await api.run("windows", "close", "service:shop", "--by", "eve");
    expect(api.requests).toEqual([
      { method: "POST", path: "/v1/windows/close", body: { what: "service:shop", by: "eve" } },
    ]);
    expect(api.printed).toBe("closed service:shop; 2 waiting remediations were told\n");
  });
});

describe("holds", () => {
  test("put is a PUT, and says what of ours is at the target", async () => {
    const ours = [{ remediationId: "r1", target: { kind: "host", id: "web-1" } }];
    api.answer = { hold: { holder: "awx", until: null }, ours };
    await api.run("holds", "put", "host/web-1", "--holder", "awx", "--reason", "job 815");
    const body = { target: "host/web-1", reason: "job 815", holder: "awx" };
    expect(api.requests).toEqual([{ method: "PUT", path: "/v1/holds", body }]);
    expect(api.printed).toBe("awx holds host/web-1 until it is released; remediation r1 is at it and goes on\n");
  });

  test("list shows both sides", async () => {
    const target = { kind: "host", id: "web-1" };
    api.answer = {
      holds: [{ target, holder: "awx", since: AT, until: UNTIL, reason: "job 815" }],
      ours: [
        { target: { kind: "host", id: "web-2" }, remediationId: "r2", runbook: "disk", state: "orphaned", since: AT },
      ],
    };
    await api.run("holds", "list");
    expect(api.printed).toMatch(/host\/web-1 +awx +10m +2026-11-21T12:00:00.000Z +job 815/);
    expect(api.printed).toMatch(/host\/web-2 +selfheal +10m +until somebody has settled it +disk, remediation r2/);
  });

  test("release says who may go on", async () => {
    api.answer = { hinted: 1 };
    await api.run("holds", "release", "host/web-1", "--holder", "awx");
    expect(api.printed).toBe("awx holds host/web-1 no more; 1 waiting remediations were told\n");
  });

  test("of ours are published in the form that a lease file has", async () => {
    const target = { kind: "host", id: "web-1" };
    const ours = [{ target, remediationId: "r1", runbook: "disk-replacement", state: "held", since: AT }];
    api.answer = { holds: [{ target, holder: "awx", since: AT, until: UNTIL, reason: "job 815" }], ours };
    await api.run("holds", "list", "--ours", "--jsonl");
    const reason = "disk-replacement, remediation r1";
    expect(api.printed).toBe(`${JSON.stringify({ target: "host/web-1", holder: "selfheal", reason })}\n`);
    api.printed = "";
    await api.run("holds", "list", "--ours");
    expect(api.printed).not.toContain("awx");
    await expect(api.run("holds", "list", "--jsonl")).rejects.toThrow("with --ours");
  });
});
