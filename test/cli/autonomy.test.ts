import { describe, expect, test } from "vitest";
import { approvalsCommand } from "../../src/cli/approvals.ts";
import { modesCommand } from "../../src/cli/modes.ts";
import { remediationCommand } from "../../src/cli/remediation.ts";
import { AT, fakeApi } from "./support/fake-api.ts";

const api = fakeApi((options) => [approvalsCommand(options), modesCommand(options), remediationCommand(options)]);

const HASH = "a".repeat(64);
const standing = {
  ...{ id: "5f3a91c2-1111", runbook: "disk", runbookHash: HASH, group: "web", by: "ada", expiresAt: AT, maxCount: 10 },
  ...{ used: 0, reason: "CHG-1", declared: false, withdrawnBy: null, state: "usable" as const, uses: [] },
};

describe("approvals standing", () => {
  test("give sends milliseconds and counts, and says what it covers", async () => {
    api.answers = [{ ...standing, covers: { targets: 12, of: 14, because: "stateless targets only" } }];
    const words = ["--runbook", "disk", "--group", "web", "--for", "7d", "--max", "10", "--reason", "CHG-1"];
    await api.run("approvals", "standing", "give", ...words);
    const body = { runbook: "disk", group: "web", by: "ada", reason: "CHG-1", forMs: 604_800_000, maxCount: 10 };
    expect(api.requests).toEqual([{ method: "POST", path: "/v1/approvals/standing", body }]);
    expect(api.printed).toContain("covers 12 of 14 targets (stateless targets only)");
  });

  test("list shows who used it last", async () => {
    const uses = [{ remediationId: "r1", target: { kind: "host", id: "web-1" }, at: AT }];
    api.answers = [{ standing: [{ ...standing, used: 1, uses }] }];
    await api.run("approvals", "standing", "list");
    expect(api.printed).toMatch(/5f3a91c2-1111\s+usable\s+disk aaaaaaaa\s+web\s+1 of 10 .*host\/web-1, 10m ago/);
  });

  test("withdraw says how often it was used", async () => {
    api.answers = [{ ...standing, used: 3 }];
    await api.run("approvals", "standing", "withdraw", "5f3a91c2", "--by", "eve");
    expect(api.requests[0]).toEqual({
      method: "POST",
      path: "/v1/approvals/standing/withdraw",
      body: { id: "5f3a91c2", by: "eve" },
    });
    expect(api.printed).toContain("used 3 of 10 times");
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
    api.answers = [
      {
        scopes: [{ scope: "global", declared: "review", mode: "review", set, lapsed: "the files said auto then" }],
        effective: [{ runbook: "disk", group: "web", mode: "review" }],
      },
    ];
    await api.run("modes", "show");
    expect(api.printed).toMatch(
      /global\s+review\s+review\s+auto by eve at .*: x \(no more: the files said auto then\)/,
    );
    expect(api.printed).toMatch(/disk\s+web\s+review/);
  });

  test("set sends scope, mode and reason, and refuses a mode that there is not", async () => {
    api.answers = [{ scope: "global", mode: "review", declared: "auto" }];
    await api.run("modes", "set", "--scope", "global", "--mode", "review", "--reason", "sale");
    expect(api.requests[0]).toEqual({
      method: "POST",
      path: "/v1/modes",
      body: { scope: "global", mode: "review", reason: "sale", by: "ada" },
    });
    expect(api.printed).toBe("global: review (the files say auto)\n");
    const wrong = api.run("modes", "set", "--scope", "global", "--mode", "fast", "--reason", "x");
    await expect(wrong).rejects.toThrow("Allowed choices are observe, review, auto, file");
  });

  test("evidence prints a row for each runbook and group", async () => {
    const one = {
      ...{ runbook: "disk", group: "web", cases: 30, wouldAct: 20, wouldAsk: 4, wouldRefuse: 6, medianMs: 720_000 },
      ended: { byItself: 3, later: 20, notYet: 1 },
      reviewed: { good: 18, falsePositive: 1, masking: 1 },
      ...{ approved: 0, rejected: 0, healed: 0, failed: 0, agreed: 18, disagreed: 5, agreement: 18 / 23 },
    };
    api.answers = [{ evidence: [one] }];
    await api.run("modes", "evidence", "--days", "30");
    expect(api.requests[0]?.path).toBe("/v1/modes/evidence?days=30");
    expect(api.printed).toMatch(/disk\s+web\s+30\s+20 \/ 4 \/ 6\s+3 \/ 20 \/ 1\s+12m\s+18 of 23 \(78%\)\s+2\s+0 \/ 0/);
  });

  const gate = (met: boolean) => ({
    ...{ runbook: "disk", runbookHash: HASH, group: "web" },
    gate: [
      { item: "owner", met: true, detail: "owned by storage" },
      { item: "rehearsal", met, detail: "no rehearsal" },
    ],
  });

  test("promote shows the checklist and asks nothing while something is missing", async () => {
    api.answers = [gate(false)];
    await expect(api.run("modes", "promote", "disk", "--group", "web")).rejects.toThrow("missing: rehearsal");
    expect(api.requests.map((one) => one.path)).toEqual(["/v1/modes/gate?runbook=disk&group=web"]);
    expect(api.noted).toContain("missing rehearsal: no rehearsal");
  });

  test("promote overrides with a reason, and says what still stands in its way", async () => {
    api.answers = [gate(false), { ...gate(false), effective: "review" }];
    await api.run("modes", "promote", "disk", "--group", "web", "--override", "tried by hand");
    const body = { runbook: "disk", group: "web", by: "ada", override: "tried by hand" };
    expect(api.requests[1]).toEqual({ method: "POST", path: "/v1/modes/promote", body });
    expect(api.printed).toContain("disk is auto in web; the mode that counts there is still review");
  });

  test("promote --dry-run changes nothing", async () => {
    api.answers = [gate(true)];
    await api.run("modes", "promote", "disk", "--group", "web", "--dry-run");
    expect(api.requests).toHaveLength(1);
    expect(api.printed).toContain("ok      rehearsal");
  });
});

describe("remediation", () => {
  test("review sends one verdict, and refuses none or two", async () => {
    const target = { kind: "host", id: "web-1" };
    api.answers = [{ remediationId: "r1", target, outcome: "observed", verdict: "falsePositive" }];
    await api.run("remediation", "review", "host/web-1", "--false-positive", "--reason", "sensor");
    const body = { verdict: "falsePositive", by: "ada", reason: "sensor" };
    expect(api.requests).toEqual([{ method: "POST", path: "/v1/remediations/host%2Fweb-1/review", body }]);
    expect(api.printed).toContain("host/web-1: observed, reviewed as a false positive (r1)");
    await expect(api.run("remediation", "review", "r1")).rejects.toThrow("say one of --good");
    await expect(api.run("remediation", "review", "r1", "--good", "--masking")).rejects.toThrow("say one of --good");
  });

  test("request sends labels and who asks", async () => {
    api.answers = [{ disposition: "delivered", target: "host/web-1", runbook: "power-cycle", reason: null }];
    const labels = ["--label", "host=web-1", "--label", "why=a=b"];
    await api.run("remediation", "request", "--alert", "HostDown", ...labels, "--reason", "it hangs");
    const body = { labels: { alertname: "HostDown", host: "web-1", why: "a=b" }, by: "ada", reason: "it hangs" };
    expect(api.requests).toEqual([{ method: "POST", path: "/v1/remediations", body }]);
    expect(api.printed).toBe("delivered to host/web-1 (power-cycle)\n");
  });
});
