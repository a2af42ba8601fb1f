import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { surroundingCommands } from "../../src/cli/windows.ts";

const NOW = Date.parse("2026-11-21T10:10:00.000Z");
const AT = "2026-11-21T10:00:00.000Z";
const UNTIL = "2026-11-21T12:00:00.000Z";
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
  for (const command of surroundingCommands({ url: "http://api:1", token: "secret-1", outside })) {
    for (const one of [command, ...command.commands]) one.exitOverride().configureOutput({ writeErr: () => undefined });
    root.addCommand(command);
  }
  await root.parseAsync(words, { from: "user" });
}

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
    answer = window;
    await run("windows", "open", "service:shop", "--kind", "deploy", "--for", "2h", "--reason", "release 42");
    const body = { scope: "service:shop", by: "ada", kind: "deploy", reason: "release 42", forMs: 7_200_000 };
    expect(requests).toEqual([{ method: "POST", path: "/v1/windows", body }]);
    expect(printed).toBe(`deploy window of service:shop from ${AT} until ${UNTIL} (id 0190-window)\n`);
  });

  test.each([
    [[], "--for or --until"],
    [["--for", "1h", "--until", UNTIL], "--for or --until"],
    [["--for", "an hour"], "a duration such as"],
    [["--for", "1h", "--kind", "freeze"], "maintenance, deploy"],
  ])("open refuses %o", async (words, why) => {
    await expect(run("windows", "open", "global", "--reason", "x", ...words)).rejects.toThrow(why);
    expect(requests).toEqual([]);
  });

  test("list shows what is open, what is to come, and what the file says", async () => {
    answer = {
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
    await run("windows", "list");
    expect(printed).toContain(`0190-window  deploy       service:shop  open  ${UNTIL}  ada: x`);
    expect(printed).toContain("night        maintenance  group:web");
  });

  test("close says what was closed and how many were told", async () => {
    answer = { closed: [window], hinted: 2 };
    await run("windows", "close", "service:shop", "--by", "eve");
    expect(requests).toEqual([
      { method: "POST", path: "/v1/windows/close", body: { what: "service:shop", by: "eve" } },
    ]);
    expect(printed).toBe("closed service:shop; 2 waiting remediations were told\n");
  });
});

describe("holds", () => {
  test("put is a PUT, and says what of ours is at the target", async () => {
    const ours = [{ remediationId: "r1", target: { kind: "host", id: "web-1" } }];
    answer = { hold: { holder: "awx", until: null }, ours };
    await run("holds", "put", "host/web-1", "--holder", "awx", "--reason", "job 815");
    const body = { target: "host/web-1", reason: "job 815", holder: "awx" };
    expect(requests).toEqual([{ method: "PUT", path: "/v1/holds", body }]);
    expect(printed).toBe("awx holds host/web-1 until it is released; remediation r1 is at it and goes on\n");
  });

  test("list shows both sides", async () => {
    const target = { kind: "host", id: "web-1" };
    answer = {
      holds: [{ target, holder: "awx", since: AT, until: UNTIL, reason: "job 815" }],
      ours: [
        { target: { kind: "host", id: "web-2" }, remediationId: "r2", runbook: "disk", state: "orphaned", since: AT },
      ],
    };
    await run("holds", "list");
    expect(printed).toMatch(/host\/web-1 +awx +10m +2026-11-21T12:00:00.000Z +job 815/);
    expect(printed).toMatch(/host\/web-2 +selfheal +10m +until somebody has settled it +disk, remediation r2/);
  });

  test("release says who may go on", async () => {
    answer = { hinted: 1 };
    await run("holds", "release", "host/web-1", "--holder", "awx");
    expect(printed).toBe("awx holds host/web-1 no more; 1 waiting remediations were told\n");
  });

  test("of ours are published in the form that a lease file has", async () => {
    const target = { kind: "host", id: "web-1" };
    const ours = [{ target, remediationId: "r1", runbook: "disk-replacement", state: "held", since: AT }];
    answer = { holds: [{ target, holder: "awx", since: AT, until: UNTIL, reason: "job 815" }], ours };
    await run("holds", "list", "--ours", "--jsonl");
    const reason = "disk-replacement, remediation r1";
    expect(printed).toBe(`${JSON.stringify({ target: "host/web-1", holder: "selfheal", reason })}\n`);
    printed = "";
    await run("holds", "list", "--ours");
    expect(printed).not.toContain("awx");
    await expect(run("holds", "list", "--jsonl")).rejects.toThrow("with --ours");
  });
});
