import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { duration, plain } from "../../src/contracts/text.ts";
import { UserError } from "../../src/config/user-error.ts";
import { remediationCommand } from "../../src/cli/remediation.ts";
import { storyText } from "../../src/cli/story-text.ts";
import { storyOf } from "../../src/starters/story/story.ts";
import { ID, PLAN_HASH, row, story } from "./support/story.ts";

const NOW = Date.parse("2026-11-21T10:10:00.000Z");
let requests: { method: string; path: string; body: unknown; authorization: string | null }[];
let answer: (path: string) => { status: number; body: unknown };
let printed: string;
let noted: string;
let said: string;

beforeEach(() => {
  [requests, printed, noted, said] = [[], "", "", "y"];
  answer = (path) => ({ status: 200, body: bodyOf(path) });
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((printed += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((noted += String(text)), true));
});
afterEach(() => vi.restoreAllMocks());

function bodyOf(path: string): unknown {
  if (path.includes("?")) return { remediations: [row()] };
  const decision = /(approve|reject|cancel)$/.exec(path)?.[1];
  if (path.endsWith("/story")) return storyOf(story());
  if (decision === undefined) return story();
  const { by } = requests.at(-1)?.body as { by: string };
  return { remediationId: ID, target: { kind: "host", id: "web-1" }, decision, by, planHash: null };
}

const fakeFetch: typeof fetch = async (url, init) => {
  const { pathname, search } = new URL(url);
  const path = pathname + search;
  const body = typeof init?.body === "string" ? (JSON.parse(init.body) as unknown) : null;
  const authorization = new Headers(init?.headers).get("authorization");
  requests.push({ method: init?.method ?? "GET", path, body, authorization });
  const { status, body: text } = answer(path);
  return new Response(typeof text === "string" ? text : JSON.stringify(text), { status });
};

async function run(line: string, outside: object = {}): Promise<void> {
  const root = new Command("selfheal").option("--json").exitOverride();
  const fakes = {
    fetch: fakeFetch,
    now: () => NOW,
    sleep: () => Promise.resolve(),
    interactive: true,
    ask: async () => said,
    user: () => "ada",
    ...outside,
  };
  const command = remediationCommand({ url: "http://api:1", token: "secret-1", outside: fakes });
  for (const child of command.commands) child.exitOverride().configureOutput({ writeErr: () => undefined });
  await root.addCommand(command).parseAsync(["remediation", ...line.split(" ")], { from: "user" });
}

describe("list", () => {
  test("shows one aligned line each, with age and what it does", async () => {
    await run("list");
    const [header, line] = printed.split("\n");
    expect(header).toMatch(/^ID +TARGET +RUNBOOK +PHASE +OUTCOME +AGE +DOING$/);
    expect(line).toMatch(
      /^01900000-0000 {2}host\/web-1 {2}disk-replacement {2}approve {2}- +10m +waiting for an approval$/,
    );
    expect(header?.indexOf("DOING")).toBe(line?.indexOf("waiting"));
  });

  test("sends its filters, of its options these alone, and the token", async () => {
    await run("list --open --target host/web-1 --phase approve --limit 7 --url http://other:1");
    expect(requests[0]).toMatchObject({
      path: "/v1/remediations?limit=7&target=host%2Fweb-1&phase=approve&open=true",
      authorization: "Bearer secret-1",
    });
  });

  test("goes on from page to page until it has as many as were asked for", async () => {
    answer = (path) => ({ status: 200, body: { remediations: [row(), row()], next: `${path}&cursor=x` } });
    await run("list --limit 5 --json");
    expect(requests.map(({ path }) => path)).toEqual([
      "/v1/remediations?limit=5",
      "/v1/remediations?limit=5&cursor=x",
      "/v1/remediations?limit=5&cursor=x&cursor=x",
    ]);
    expect(JSON.parse(printed)).toHaveLength(5);
  });

  test("prints one JSON document with --json", async () => {
    await run("list --json");
    expect(JSON.parse(printed)).toMatchObject([{ remediationId: ID }]);
  });

  test("says so when nothing matches", async () => {
    answer = () => ({ status: 200, body: { remediations: [] } });
    await run("list");
    expect(printed).toBe("no remediations match\n");
  });

  test.each(["list --limit 0", "list --phase sleeping", "list --outcome fine"])(
    "refuses %s before it asks",
    async (line) => {
      await expect(run(line)).rejects.toThrow();
      expect(requests).toEqual([]);
    },
  );
});

describe("show", () => {
  test("tells the whole story: state, how to approve, plan, reasons, effects, timeline, link", async () => {
    await run("show host/web-1");
    expect(requests[0]?.path).toBe("/v1/remediations/host%2Fweb-1/story");
    for (const part of [
      `remediation ${ID}`,
      "state     approve: waiting for an approval, at the latest until 2026-11-21T14:00:00.000Z",
      `selfheal remediation approve ${ID}`,
      "(role dc-ops)",
      `plan ${PLAN_HASH.slice(0, 12)}`,
      '1. loadbalancer.drain (low, can be undone) {"pool":"web"}',
      "APPROVAL_REQUIRED",
      "loadbalancer.drain",
      "tickets 42 (last seen: open)",
      "alert firing: SmartDiskFailing (came 3 times)",
      "http://ui/workflows/1",
      "page, NOT SENT (no route to host): look at it",
    ]) {
      expect(printed).toContain(part);
    }
    expect(printed).not.toContain("  trace ");
  });

  test.each([
    ["https://traces/0af7", "https://traces/0af7"],
    [null, "0af7"],
  ])("names the trace, by its link where there is one (%s)", (trace, shown) => {
    const traced = { ...story(), links: { webUi: null, traceId: "0af7", trace } };
    expect(storyText(storyOf(traced), NOW)).toContain(`\n  trace     ${shown}\n`);
  });

  test.each([
    ["--target host/web-1", "/v1/remediations/host%2Fweb-1/story"],
    ["--fingerprint f1", `/v1/remediations/${ID}/story`],
  ])("is found by %s", async (how, path) => {
    answer = (asked) => ({
      status: 200,
      body: asked.startsWith("/v1/alerts?") ? { alerts: [...story().alerts], next: null } : bodyOf(asked),
    });
    await run(`show ${how}`);
    expect(requests.at(-1)?.path).toBe(path);
  });

  test.each(["show", "show web-1 --target web-1"])("`%s` is refused before anything is asked", async (line) => {
    await expect(run(line)).rejects.toThrow(/say which one/);
    expect(requests).toEqual([]);
  });

  test("a fingerprint that no remediation has says so", async () => {
    answer = () => ({ status: 200, body: { alerts: [{ ...story().alerts[0], remediationId: null }], next: null } });
    await expect(run("show --fingerprint f1")).rejects.toThrow(/no remediation has an alert/);
  });

  test("of a plan that an edit left behind says so to whoever is to approve it", () => {
    expect(storyText(storyOf(story()), NOW)).not.toContain("before the catalogue changed");
    const text = storyText(storyOf({ ...story(), sincePlanned: ["runbook disk-replacement has changed"] }), NOW);
    expect(text).toContain("made before the catalogue changed: runbook disk-replacement has changed.");
  });

  test("of a closed one says the outcome and offers no approval", () => {
    const closed = row({
      phase: "closed",
      outcome: "healed",
      detail: "back in the pool",
      closedAt: "2026-11-21T10:05:00.000Z",
    });
    const text = storyText(storyOf({ ...story(), remediation: closed }), NOW);
    expect(text).toContain("state     healed: back in the pool");
    expect(text).toContain("(after 5m)");
    expect(text).not.toContain("remediation approve");
  });

  test("no text from outside moves the cursor or makes a line", () => {
    const hostile = row({ doing: "a\u001b[2Jb\nremediation healed\u202e" });
    const text = storyText(storyOf({ ...story(), remediation: hostile }), NOW);
    expect(text).toContain("a [2Jb remediation healed");
    expect(plain("\u009b1m\r\n")).toBe(" 1m");
  });
});

describe("approve", () => {
  test("shows the plan, asks, and sends the hash of exactly that plan", async () => {
    await run("approve web-1 --reason fine");
    expect(noted).toContain("1. loadbalancer.drain");
    expect(requests[1]).toMatchObject({
      method: "POST",
      path: `/v1/remediations/${ID}/approve`,
      body: { by: "ada", reason: "fine", planHash: PLAN_HASH, via: "cli" },
    });
    expect(printed).toContain("approve: taken");
  });

  test.each(["", "n", "no", "maybe"])("decides nothing on the answer %j", async (text) => {
    said = text;
    await expect(run("approve web-1")).rejects.toThrow("nothing was decided");
    expect(requests).toHaveLength(1);
  });

  test.each(["counted", "ignored"])("says whether the decision counts: %s", async (status) => {
    const decided = {
      decision: "approve",
      by: "ada",
      via: "api",
      at: "",
      planHash: PLAN_HASH,
      status,
      reason: "no role",
    };
    answer = (path) => ({ status: 200, body: { ...(bodyOf(path) as object), decisions: [decided] } });
    const approving = run("approve web-1 --yes");
    if (status === "ignored") await expect(approving).rejects.toThrow("the decision of ada does not count: no role");
    else await approving;
    expect(printed.includes("approve: taken")).toBe(status === "counted");
  });

  test("of one that needs more people says how far it is", async () => {
    const decided = { decision: "approve", by: "ada", via: "cli", at: "", planHash: PLAN_HASH, reason: "" };
    const decisions = [
      { ...decided, status: "counted" },
      { ...decided, by: "grace", status: "withdrawn" },
    ];
    const made = story().plan;
    const plan = made === null ? null : { ...made, approval: { ...made.approval, quorum: 2 } };
    answer = (path) => ({ status: 200, body: { ...(bodyOf(path) as object), plan, decisions } });
    await run("approve web-1 --yes");
    expect(printed).toContain(": 1 of 2 approvals (ada)");
  });

  test("is never assumed without a terminal; --yes says it", async () => {
    await expect(run("approve web-1", { interactive: false })).rejects.toThrow(/--yes/);
    expect(requests).toHaveLength(1);
    await run("approve web-1 --yes --by grace", { interactive: false });
    expect(requests[2]?.body).toMatchObject({ by: "grace", planHash: PLAN_HASH });
  });

  test("takes the beginning of the hash that is shown, and sends another hash as it is, to be refused", async () => {
    await run(`approve web-1 --yes --plan-hash ${PLAN_HASH.slice(0, 12)}`);
    await run("approve web-1 --yes --plan-hash 0123456789ab");
    expect(
      requests.filter((one) => one.method === "POST").map((one) => (one.body as { planHash: string }).planHash),
    ).toEqual([PLAN_HASH, "0123456789ab"]);
  });

  test("of one without a plan, or of a closed one, says why not", async () => {
    answer = () => ({ status: 200, body: { ...story(), remediation: row({ planHash: null, phase: "confirm" }) } });
    await expect(run("approve web-1 --yes")).rejects.toThrow(/no plan to approve yet.*confirm/);
    answer = () => ({ status: 200, body: { ...story(), remediation: row({ closedAt: "x", outcome: "healed" }) } });
    await expect(run("approve web-1 --yes")).rejects.toThrow(/closed already: healed/);
  });
});

describe("reject and cancel", () => {
  test("reject names the plan, cancel none", async () => {
    await run("reject web-1 --yes");
    await run("cancel web-1 --yes");
    const bodies = requests.filter((one) => one.method === "POST").map((one) => one.body);
    expect(bodies).toEqual([
      { by: "ada", planHash: PLAN_HASH, via: "cli" },
      { by: "ada", via: "cli" },
    ]);
  });
});

describe("recover and release-leases", () => {
  const settled = { remediationId: ID, target: { kind: "host", id: "web-1" }, scopes: ["group:web", "rack:r1"] };
  beforeEach(() => {
    answer = (path) => ({ status: 200, body: /(recover|release-leases)$/.test(path) ? settled : bodyOf(path) });
  });

  test("send the person's word for the remediation that was found", async () => {
    await run("recover web-1 --yes");
    await run("release-leases web-1 --yes --by grace --reason looked");
    const sent = requests.filter((one) => one.method === "POST");
    expect(sent.map(({ path, body }) => [path, body])).toEqual([
      [`/v1/remediations/${ID}/recover`, { by: "ada" }],
      [`/v1/remediations/${ID}/release-leases`, { by: "grace", reason: "looked" }],
    ]);
    expect(printed).toContain("group:web, rack:r1");
  });

  test.each(["recover web-1", "release-leases web-1 --reason looked"])("`%s` asks first", async (line) => {
    said = "n";
    await expect(run(line)).rejects.toThrow("nothing was done");
    await expect(run(line, { interactive: false })).rejects.toThrow(/--yes/);
    expect(requests.every((one) => one.method === "GET")).toBe(true);
  });

  test("a release without a reason is refused", async () => {
    await expect(run("release-leases web-1 --yes")).rejects.toThrow(/--reason/);
  });
});

describe("errors are one line with the cure", () => {
  async function failure(line: string, outside: object = {}): Promise<UserError> {
    const error: unknown = await run(line, outside).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (error instanceof UserError) return error;
    throw new Error(`no UserError: ${String(error)}`);
  }

  test("nobody listens", async () => {
    const refused = Object.assign(new TypeError("fetch failed"), {
      cause: Object.assign(new Error(""), { code: "ECONNREFUSED" }),
    });
    const error = await failure("list", { fetch: () => Promise.reject(refused) });
    expect(error.message).toMatch(
      /http:\/\/api:1 does not answer \(ECONNREFUSED\); start it with `selfheal dev`.*--url/,
    );
    expect(error.exitCode).toBe(3);
  });

  test.each([
    [401, { detail: "x" }, /set SELFHEAL_TOKEN/, 1],
    [404, { detail: "no remediation has the id" }, /no remediation has the id/, 1],
    [409, { detail: "did not take it" }, /did not take it/, 1],
    [503, { detail: "no worker answered", requestId: "q-1" }, /no worker answered \(request q-1\)/, 3],
    [502, "<html>Bad gateway</html>", /answered 502, and not like selfheal's API/, 3],
    [200, "<html>hello</html>", /not like selfheal's API/, 3],
  ])("the API answers %d %j", async (status, body, message, exitCode) => {
    answer = () => ({ status, body });
    const error = await failure("show web-1");
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("\n");
    expect(error.exitCode).toBe(exitCode);
  });

  test("a wrong --url", async () => {
    expect((await failure("list --url ftp://x")).message).toContain("--url ftp://x");
  });
});

test.each([
  [0, "0s"],
  [850, "850ms"],
  [4_000, "4s"],
  [243_000, "4m 3s"],
  [18_720_000, "5h 12m"],
  [90_000_000, "1d 1h"],
  [3_605_000, "1h 5s"],
])("%d ms reads %s", (ms, text) => expect(duration(ms)).toBe(text));
