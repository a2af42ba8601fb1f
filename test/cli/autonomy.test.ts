import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { approvalsCommand } from "../../src/cli/approvals.ts";
import { modesCommand } from "../../src/cli/modes.ts";
import { remediationCommand } from "../../src/cli/remediation.ts";

const NOW = Date.parse("2026-11-21T10:10:00.000Z");
const AT = "2026-11-21T10:00:00.000Z";
let requests: { path: string; body: unknown }[];
let answers: unknown[];
let printed: string;
let noted: string;

beforeEach(() => {
  [requests, printed, noted, answers] = [[], "", "", []];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((printed += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((noted += String(text)), true));
});
afterEach(() => vi.restoreAllMocks());

const fakeFetch: typeof fetch = async (url, init) => {
  const { pathname, search } = new URL(url);
  const body = typeof init?.body === "string" ? (JSON.parse(init.body) as unknown) : null;
  requests.push({ path: pathname + search, body });
  return Response.json(answers.shift() ?? {});
};

async function run(...words: string[]): Promise<void> {
  const root = new Command("selfheal").option("--json").exitOverride();
  const options = { url: "http://api:1", outside: { fetch: fakeFetch, now: () => NOW, user: () => "ada" } };
  for (const command of [approvalsCommand(options), modesCommand(options), remediationCommand(options)]) {
    quiet(command);
    root.addCommand(command);
  }
  await root.parseAsync(words, { from: "user" });
}
function quiet(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  for (const one of command.commands) quiet(one);
}

const HASH = "a".repeat(64);
const standing = {
  ...{ id: "5f3a91c2-1111", runbook: "disk", runbookHash: HASH, group: "web", by: "ada", expiresAt: AT, maxCount: 10 },
  ...{ used: 0, reason: "CHG-1", declared: false, withdrawnBy: null, state: "usable" as const, uses: [] },
};

describe("approvals standing", () => {
  test("give sends milliseconds and counts, and says what it covers", async () => {
    answers = [{ ...standing, covers: { targets: 12, of: 14, because: "stateless targets only" } }];
    const words = ["--runbook", "disk", "--group", "web", "--for", "7d", "--max", "10", "--reason", "CHG-1"];
    await run("approvals", "standing", "give", ...words);
    const body = { runbook: "disk", group: "web", by: "ada", reason: "CHG-1", forMs: 604_800_000, maxCount: 10 };
    expect(requests).toEqual([{ path: "/v1/approvals/standing", body }]);
    expect(printed).toContain("covers 12 of 14 targets (stateless targets only)");
  });

  test("list shows who used it last", async () => {
    const uses = [{ remediationId: "r1", target: { kind: "host", id: "web-1" }, at: AT }];
    answers = [{ standing: [{ ...standing, used: 1, uses }] }];
    await run("approvals", "standing", "list");
    expect(printed).toMatch(/5f3a91c2-1111\s+usable\s+disk aaaaaaaa\s+web\s+1 of 10 .*host\/web-1, 10m ago/);
  });

  test("withdraw says how often it was used", async () => {
    answers = [{ ...standing, used: 3 }];
    await run("approvals", "standing", "withdraw", "5f3a91c2", "--by", "eve");
    expect(requests[0]).toEqual({ path: "/v1/approvals/standing/withdraw", body: { id: "5f3a91c2", by: "eve" } });
    expect(printed).toContain("used 3 of 10 times");
  });
});

describe("modes", () => {
  test("show names what was set and what counts no more", async () => {
    const set = {
      id: "m",
      scope: "global",
      mode: "auto",
      declared: "auto",
      runbookHash: null,
      by: "eve",
      reason: "x",
      at: AT,
    };
    answers = [
      {
        scopes: [{ scope: "global", declared: "review", mode: "review", set, lapsed: "the files said auto then" }],
        effective: [{ runbook: "disk", group: "web", mode: "review" }],
      },
    ];
    await run("modes", "show");
    expect(printed).toMatch(/global\s+review\s+review\s+auto by eve at .*: x \(no more: the files said auto then\)/);
    expect(printed).toMatch(/disk\s+web\s+review/);
  });

  test("set sends scope, mode and reason, and refuses a mode that there is not", async () => {
    answers = [{ scope: "global", mode: "review", declared: "auto" }];
    await run("modes", "set", "--scope", "global", "--mode", "review", "--reason", "sale");
    expect(requests[0]).toEqual({
      path: "/v1/modes",
      body: { scope: "global", mode: "review", reason: "sale", by: "ada" },
    });
    expect(printed).toBe("global: review (the files say auto)\n");
    const wrong = run("modes", "set", "--scope", "global", "--mode", "fast", "--reason", "x");
    await expect(wrong).rejects.toThrow("Allowed choices are observe, review, auto, file");
  });

  test("evidence prints a row for each runbook and group", async () => {
    const one = {
      ...{ runbook: "disk", group: "web", cases: 30, wouldAct: 20, wouldAsk: 4, wouldRefuse: 6, medianMs: 720_000 },
      ended: { byItself: 3, later: 20, notYet: 1 },
      reviewed: { good: 18, falsePositive: 1, masking: 1 },
      ...{ approved: 0, rejected: 0, healed: 0, failed: 0, agreed: 18, disagreed: 5, agreement: 18 / 23 },
    };
    answers = [{ evidence: [one] }];
    await run("modes", "evidence", "--days", "30");
    expect(requests[0]?.path).toBe("/v1/modes/evidence?days=30");
    expect(printed).toMatch(/disk\s+web\s+30\s+20 \/ 4 \/ 6\s+3 \/ 20 \/ 1\s+12m\s+18 of 23 \(78%\)\s+2\s+0 \/ 0/);
  });

  const gate = (met: boolean) => ({
    ...{ runbook: "disk", runbookHash: HASH, group: "web" },
    gate: [
      { item: "owner", met: true, detail: "owned by storage" },
      { item: "rehearsal", met, detail: "no rehearsal" },
    ],
  });

  test("promote shows the checklist and asks nothing while something is missing", async () => {
    answers = [gate(false)];
    await expect(run("modes", "promote", "disk", "--group", "web")).rejects.toThrow("missing: rehearsal");
    expect(requests.map((one) => one.path)).toEqual(["/v1/modes/gate?runbook=disk&group=web"]);
    expect(noted).toContain("missing rehearsal: no rehearsal");
  });

  test("promote overrides with a reason, and says what still stands in its way", async () => {
    answers = [gate(false), { ...gate(false), effective: "review" }];
    await run("modes", "promote", "disk", "--group", "web", "--override", "tried by hand");
    const body = { runbook: "disk", group: "web", by: "ada", override: "tried by hand" };
    expect(requests[1]).toEqual({ path: "/v1/modes/promote", body });
    expect(printed).toContain("disk is auto in web; the mode that counts there is still review");
  });

  test("promote --dry-run changes nothing", async () => {
    answers = [gate(true)];
    await run("modes", "promote", "disk", "--group", "web", "--dry-run");
    expect(requests).toHaveLength(1);
    expect(printed).toContain("ok      rehearsal");
  });
});

describe("remediation", () => {
  test("review sends one verdict, and refuses none or two", async () => {
    const target = { kind: "host", id: "web-1" };
    answers = [{ remediationId: "r1", target, outcome: "observed", verdict: "falsePositive" }];
    await run("remediation", "review", "host/web-1", "--false-positive", "--reason", "sensor");
    const body = { verdict: "falsePositive", by: "ada", reason: "sensor" };
    expect(requests).toEqual([{ path: "/v1/remediations/host%2Fweb-1/review", body }]);
    expect(printed).toContain("host/web-1: observed, reviewed as a false positive (r1)");
    await expect(run("remediation", "review", "r1")).rejects.toThrow("say one of --good");
    await expect(run("remediation", "review", "r1", "--good", "--masking")).rejects.toThrow("say one of --good");
  });

  test("request sends labels and who asks", async () => {
    answers = [{ disposition: "delivered", target: "host/web-1", runbook: "power-cycle", reason: null }];
    const labels = ["--label", "host=web-1", "--label", "why=a=b"];
    await run("remediation", "request", "--alert", "HostDown", ...labels, "--reason", "it hangs");
    const body = { labels: { alertname: "HostDown", host: "web-1", why: "a=b" }, by: "ada", reason: "it hangs" };
    expect(requests).toEqual([{ path: "/v1/remediations", body }]);
    expect(printed).toBe("delivered to host/web-1 (power-cycle)\n");
  });
});
