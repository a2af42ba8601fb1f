import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DecisionFacts, Mode } from "../../src/contracts/facts.ts";
import type { Plan } from "../../src/contracts/plan.ts";
import type { GuardrailResult } from "../../src/contracts/verdict.ts";
import { decide } from "../../src/policy/verdict.ts";
import {
  ago,
  around,
  counted,
  factsOf,
  HOUR_MS,
  NO_SHARED,
  NO_SURROUNDINGS,
  NOW,
  planOf,
  SHOP_SLO,
  STANDING,
  TARGET,
} from "./support.ts";

/** What one guardrail said, as `outcome CODE`. */
function said(guardrail: string, facts: DecisionFacts, plan: Plan = planOf()): string {
  const { outcome, code } = resultOf(guardrail, facts, plan);
  return `${outcome} ${code}`;
}

function resultOf(guardrail: string, facts: DecisionFacts, plan: Plan = planOf()): GuardrailResult {
  const result = decide(plan, facts).results.find((one) => one.guardrail === guardrail);
  if (result === undefined) throw new Error(`no guardrail ${guardrail}`);
  return result;
}

describe("pause", () => {
  const pauseOf = (scope: string, until: string | null = null) => ({
    id: "1",
    scope,
    reason: "incident 7",
    by: "anna",
    at: NOW,
    until,
  });

  it.each(["global", "target:host:web-1", "group:web", "rack:r1", "runbook:disk", "region:eu", "service:shop"])(
    "%s makes new work wait",
    (scope) => {
      expect(said("pause", counted({ pauses: [pauseOf(scope)] }))).toBe("wait PAUSED");
    },
  );

  it.each(["group:db", "runbook:other", "target:host:web-10"])("%s does not concern this plan", (scope) => {
    expect(said("pause", counted({ pauses: [pauseOf(scope)] }))).toBe("pass OK");
  });

  it("waits until the last of several is over, without end when one has none", () => {
    const both = [pauseOf("global", ago(-HOUR_MS)), pauseOf("group:web", ago(-2 * HOUR_MS))];
    expect(resultOf("pause", counted({ pauses: both })).until).toBe(ago(-2 * HOUR_MS));
    expect(resultOf("pause", counted({ pauses: [...both, pauseOf("rack:r1")] })).until).toBeUndefined();
  });

  it("one that is over does not count, one whose end cannot be read does", () => {
    expect(said("pause", counted({ pauses: [pauseOf("global", ago(0))] }))).toBe("pass OK");
    expect(said("pause", counted({ pauses: [pauseOf("global", "soon")] }))).toBe("wait PAUSED");
  });
});

describe("target-known", () => {
  it.each([
    ["not in the inventory", null, "refuse TARGET_UNKNOWN"],
    ["the stand-in of nobody", { ...TARGET, kind: "unknown" }, "refuse TARGET_UNKNOWN"],
    ["without id", { ...TARGET, id: " " }, "refuse TARGET_EMPTY"],
    ["without kind", { ...TARGET, kind: "" }, "refuse TARGET_EMPTY"],
    ["another one than the plan's", { ...TARGET, id: "web-2" }, "refuse TARGET_AMBIGUOUS"],
    ["opted out", { ...TARGET, labels: { selfheal: "off" } }, "refuse TARGET_OPTED_OUT"],
    ["opted out in capitals", { ...TARGET, labels: { selfheal: "OFF " } }, "refuse TARGET_OPTED_OUT"],
    ["opted in", { ...TARGET, labels: { selfheal: "on" } }, "pass OK"],
    ["the plan's", TARGET, "pass OK"],
  ])("%s", (_what, target, expected) => {
    expect(said("target-known", factsOf({ target }))).toBe(expected);
  });

  it.each(["off", "false", "no", "never", "disabled"])("opted out by the word %s", (selfheal) => {
    const target = { ...TARGET, labels: { selfheal } };
    expect(said("target-known", factsOf({ target }))).toBe("refuse TARGET_OPTED_OUT");
  });

  it("a plan without a target is never run", () => {
    expect(said("target-known", factsOf(), planOf({ target: { ...TARGET, id: "" } }))).toBe("refuse TARGET_EMPTY");
  });
});

describe("granted", () => {
  it.each([
    ["everybody's runbook", { team: null, groups: null }, "pass OK"],
    ["a runbook that names the group", { team: null, groups: ["db", "web"] }, "pass OK"],
    ["a runbook that names others", { team: null, groups: ["db"] }, "refuse GROUP_NOT_GRANTED"],
    ["a team that was granted the group", { team: "storage", groups: ["web"] }, "pass OK"],
    ["a team that was granted another", { team: "storage", groups: ["webs"] }, "refuse GROUP_NOT_GRANTED"],
    ["a team that was granted nothing", { team: "storage", groups: [] }, "refuse GROUP_NOT_GRANTED"],
  ])("%s", (_what, grant, expected) => {
    expect(said("granted", factsOf({ grant }))).toBe(expected);
  });

  it("says whose runbook it is, and what it may touch", () => {
    const { detail } = resultOf("granted", factsOf({ grant: { team: "storage", groups: ["db", "backup"] } }));
    expect(detail).toBe("the runbook disk of team storage may not touch group web, only: db, backup");
  });
});

describe("facts-available", () => {
  const reading = factsOf().reading;
  it.each([
    ["an unknown probe", { reading: { ...reading, state: "unknown" as const } }],
    ["a healthy probe", { reading: { ...reading, state: "healthy" as const } }],
    ["no evidence", { collected: null }],
    ["no record", { counted: null }],
    ["no time", { now: "?" }],
  ])("%s refuses", (_what, changes) => {
    expect(said("facts-available", factsOf(changes))).toBe("refuse FACTS_UNAVAILABLE");
  });
});

describe("requirement", () => {
  it.each([
    [true, "pass OK"],
    [false, "refuse REQUIREMENT_NOT_MET"],
    [null, "refuse FACTS_UNAVAILABLE"],
  ])("%s", (holds, expected) => {
    expect(said("requirement", factsOf({ requirement: { holds, detail: "x" } }))).toBe(expected);
  });
});

describe("mode is the lowest of the three", () => {
  const ORDER: Mode[] = ["observe", "review", "auto"];
  const EXPECTED = { observe: "observe MODE_OBSERVE", review: "review MODE_REVIEW", auto: "pass OK" };
  const all = ORDER.flatMap((global) => ORDER.flatMap((group) => ORDER.map((runbook) => ({ global, group, runbook }))));

  it.each(all)("$global, $group, $runbook", (modes) => {
    const lowest = ORDER.find((mode) => Object.values(modes).includes(mode)) ?? "observe";
    expect(said("mode", factsOf({ modes }))).toBe(EXPECTED[lowest]);
  });

  it("review is satisfied by a person's approval of this plan, not by a standing one", () => {
    const modes = { global: "auto", group: "review", runbook: "auto" } as const;
    expect(said("mode", { ...counted({ approvedBy: ["anna"] }), modes })).toBe("pass OK");
    expect(said("mode", { ...counted({ standing: STANDING }), modes })).toBe("review MODE_REVIEW");
  });

  it("observe is not lifted by any approval", () => {
    const modes = { global: "observe", group: "auto", runbook: "auto" } as const;
    expect(decide(planOf(), { ...counted({ approvedBy: ["anna"] }), modes }).outcome).toBe("observe");
  });

  it("observe tells nobody, whatever else stands against the plan", () => {
    const modes = { global: "observe", group: "auto", runbook: "auto" } as const;
    const verdict = decide(planOf(), factsOf({ modes, counted: null }));
    expect(verdict.outcome).toBe("observe");
    expect(verdict.results.some((result) => result.outcome === "refuse")).toBe(true);
  });

  it("a mode that cannot be read refuses", () => {
    const modes = { global: "on" as Mode, group: "auto", runbook: "auto" } as const;
    expect(said("mode", factsOf({ modes }))).toBe("refuse FACTS_UNAVAILABLE");
  });
});

describe("one-per-target", () => {
  it("another open remediation is waited for", () => {
    expect(said("one-per-target", counted({ openElsewhere: "abc" }))).toBe("wait ALREADY_OPEN");
  });
});

describe("cooldown (24 h, patience 4 h)", () => {
  it.each([
    ["never acted", null, "pass OK"],
    ["just acted", ago(0), "refuse COOLDOWN"],
    ["a rest longer than the patience", ago(20 * HOUR_MS - 1), "refuse COOLDOWN"],
    ["a rest as long as the patience", ago(20 * HOUR_MS), "wait COOLDOWN"],
    ["nearly over", ago(24 * HOUR_MS - 1), "wait COOLDOWN"],
    ["over", ago(24 * HOUR_MS), "pass OK"],
    ["acted in the future (a clock was wrong)", ago(-HOUR_MS), "refuse COOLDOWN"],
    ["a time that cannot be read", "yesterday", "refuse FACTS_UNAVAILABLE"],
  ])("%s", (_what, lastActedAt, expected) => {
    expect(said("cooldown", counted({ lastActedAt }))).toBe(expected);
  });

  it("waits until the cooldown's end", () => {
    expect(resultOf("cooldown", counted({ lastActedAt: ago(23 * HOUR_MS) })).until).toBe(ago(-HOUR_MS));
  });

  it("is not over a millisecond before its end, and over then", () => {
    const ms = fc.integer({ min: 1, max: 100 * HOUR_MS });
    fc.assert(
      fc.property(ms, ms, fc.nat(200 * HOUR_MS), (cooldownMs, expiresMs, since) => {
        const plan = planOf();
        const of = { ...plan, limits: { ...plan.limits, cooldownMs }, approval: { ...plan.approval, expiresMs } };
        const at = (age: number) => resultOf("cooldown", counted({ lastActedAt: ago(age) }), of);
        const { outcome, until } = at(since);
        expect(outcome === "pass").toBe(since >= cooldownMs);
        expect(at(cooldownMs - 1).outcome).not.toBe("pass");
        if (outcome === "wait") expect(at(since + Date.parse(until ?? "") - Date.parse(NOW)).outcome).toBe("pass");
      }),
    );
  });
});

describe("attempts (2 per 7 days)", () => {
  it.each([
    [0, "pass OK"],
    [1, "pass OK"],
    [2, "refuse ATTEMPTS_EXHAUSTED"],
    [3, "refuse ATTEMPTS_EXHAUSTED"],
    [Number.NaN, "refuse FACTS_UNAVAILABLE"],
    [-1, "refuse FACTS_UNAVAILABLE"],
  ])("%d", (attempts, expected) => {
    expect(said("attempts", counted({ attempts }))).toBe(expected);
  });
});

describe("approval", () => {
  it("is not needed when every step only reads or is of low risk", () => {
    expect(said("approval", counted({ standing: null }), planOf({}, ["read", "low"]))).toBe("pass OK");
  });

  it.each(["high", "irreversible"] as const)("is needed when a step is %s", (risk) => {
    expect(said("approval", counted({ standing: null }), planOf({}, ["low", risk]))).toBe("review APPROVAL_REQUIRED");
  });

  it("of this plan by a person passes", () => {
    expect(said("approval", counted({ standing: null, approvedBy: ["anna"] }))).toBe("pass OK");
  });

  it.each([
    ["covers the plan", {}, "pass STANDING_APPROVAL"],
    ["is of another runbook", { runbook: "other" }, "review APPROVAL_REQUIRED"],
    ["is of another version", { runbookHash: "x" }, "review APPROVAL_REQUIRED"],
    ["is of another group", { group: "db" }, "review APPROVAL_REQUIRED"],
    ["has expired", { expiresAt: NOW }, "review APPROVAL_REQUIRED"],
    ["has an end that cannot be read", { expiresAt: "never" }, "review APPROVAL_REQUIRED"],
    ["is used up", { used: 10 }, "review APPROVAL_REQUIRED"],
    ["has a count that cannot be read", { used: Number.NaN }, "review APPROVAL_REQUIRED"],
  ])("a standing approval that %s", (_what, changes, expected) => {
    expect(said("approval", counted({ standing: { ...STANDING, ...changes } }))).toBe(expected);
  });

  it("needs as many different people as the plan says, everywhere, and no standing approval then", () => {
    const approval = { roles: ["dc-ops"], expiresMs: 1, onTimeout: "escalate" as const, quorum: 2 };
    const shared = { ...NO_SHARED, security: "tagged", rollout: { percent: 0, bucket: 1 } };
    const surroundings = { ...NO_SURROUNDINGS, slos: [SHOP_SLO] };
    const plan = planOf({ approval, limits: { ...planOf().limits, shared, surroundings } });
    const slos = { shop: { at: NOW, value: { window: 1, recent: 1 }, detail: "" } };
    const by = (...approvedBy: string[]) => counted({ approvedBy, surroundings: around({ slos }) });
    const review = { modes: { global: "review", group: "auto", runbook: "auto" } } as const;
    for (const [people, outcome] of [
      [[], "review"],
      [["anna"], "review"],
      [["anna", "anna"], "review"],
      [["anna", "bob"], "pass"],
    ] as [string[], string][]) {
      for (const name of ["approval", "security", "rollout", "slo"]) {
        expect(said(name, by(...people), plan)).toMatch(outcome);
      }
      expect(said("mode", { ...by(...people), ...review }, plan)).toMatch(outcome);
    }
  });

  it("a standing approval covers an irreversible step on stateless targets only", () => {
    const stateful = { ...TARGET, stateless: false };
    expect(said("approval", factsOf({ target: stateful }), planOf({ target: stateful }))).toBe(
      "review APPROVAL_REQUIRED",
    );
    expect(said("approval", factsOf({ target: stateful }), planOf({ target: stateful }, ["high"]))).toBe(
      "pass STANDING_APPROVAL",
    );
  });
});

describe("caps", () => {
  const held = (changes: Record<string, number>): DecisionFacts =>
    counted({ held: { "target:host:web-1": 0, "group:web": 0, "rack:r1": 0, ...changes } });

  it.each([
    ["below the group's", "group-cap", { "group:web": 3 }, "pass OK"],
    ["at the group's", "group-cap", { "group:web": 4 }, "wait GROUP_CAP"],
    ["above the group's", "group-cap", { "group:web": 9 }, "wait GROUP_CAP"],
    ["at the rack's", "rack-cap", { "rack:r1": 1 }, "wait RACK_CAP"],
    ["the target is held by another", "target-exclusive", { "target:host:web-1": 1 }, "wait ALREADY_OPEN"],
  ])("%s", (_what, guardrail, changes, expected) => {
    expect(said(guardrail, held(changes))).toBe(expected);
  });

  it("a count that is missing refuses", () => {
    const facts = counted({ held: {} });
    for (const name of ["group-cap", "rack-cap", "target-exclusive"])
      expect(said(name, facts)).toBe("refuse FACTS_UNAVAILABLE");
  });

  it("say who many are in work and how the number came about", () => {
    expect(resultOf("group-cap", held({ "group:web": 4 })).detail).toBe(
      "4 of 4 in work in group:web (10% of 40 in group web)",
    );
  });
});

describe("rate (20 per hour)", () => {
  it.each([
    [19, "pass OK"],
    [20, "wait RATE"],
    [Number.NaN, "refuse FACTS_UNAVAILABLE"],
  ])("%d", (rateUsed, expected) => {
    expect(said("rate", counted({ rateUsed }))).toBe(expected);
  });

  it("waits until the oldest use has left the window, when that is known", () => {
    expect(resultOf("rate", counted({ rateUsed: 20, rateSince: ago(0.75 * HOUR_MS) })).until).toBe(
      ago(-0.25 * HOUR_MS),
    );
    expect(resultOf("rate", counted({ rateUsed: 20, rateSince: "?" })).until).toBeUndefined();
  });

  it("a runbook without rate passes", () => {
    const plan = planOf();
    expect(said("rate", counted({ rateUsed: 1e9 }), { ...plan, limits: { ...plan.limits, rate: null } })).toBe(
      "pass OK",
    );
  });
});
