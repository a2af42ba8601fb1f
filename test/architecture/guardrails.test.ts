/** docs/runbook-reference.md against the guardrails: the list with its codes, and an example of what each says. */
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { projectPath } from "../../src/config/project.ts";
import type { CountedFacts, DecisionFacts } from "../../src/contracts/facts.ts";
import type { Plan } from "../../src/contracts/plan.ts";
import type { SurroundingFacts } from "../../src/contracts/surroundings.ts";
import { REASONS } from "../../src/contracts/verdict.ts";
import { GUARDRAILS } from "../../src/policy/guardrails/index.ts";
import { decide } from "../../src/policy/verdict.ts";
import {
  ago,
  ALL_SURROUNDINGS,
  around,
  counted,
  factsOf,
  HOUR_MS,
  limited,
  NOW,
  planOf,
  sharing,
  surrounded,
  TARGET,
} from "../policy/support.ts";

const LATER = ago(-4 * HOUR_MS);
const risky = planOf({}, ["irreversible"]);
const looksAround = surrounded(ALL_SURROUNDINGS, ["irreversible"]);
const sees = (facts: Partial<SurroundingFacts>): DecisionFacts => counted({ surroundings: around(facts) });
const capAt = (scope: string, max: number, because: string): Plan => {
  const plan = planOf();
  return { ...plan, limits: { ...plan.limits, caps: [{ scope, max, because }] } };
};
const held = (scope: string, count: number, rest: Partial<CountedFacts> = {}): DecisionFacts =>
  counted({ held: { "target:host:web-1": 0, [scope]: count }, ...rest });

/** For each guardrail something that it stops. */
const EXAMPLES: Record<string, [Plan, DecisionFacts]> = {
  pause: [
    risky,
    counted({ pauses: [{ id: "1", scope: "rack:r1", reason: "power work", by: "anna", at: NOW, until: null }] }),
  ],
  window: [
    looksAround,
    sees({
      windows: [
        { id: "w1", kind: "maintenance", scope: "rack:r1", reason: "power work", by: "anna", from: NOW, until: LATER },
      ],
    }),
  ],
  storm: [
    limited({ storms: [{ scope: "group:web", group: "web", trips: 20, windowMs: 600_000, because: "50% of 40" }] }),
    sharing({ unhealthy: { "group:web": 21 } }),
  ],
  correlation: [looksAround, sees({ correlated: { "rack:r1": 4 }, alertedAt: ago(HOUR_MS) })],
  "target-known": [risky, factsOf({ target: { ...TARGET, labels: { selfheal: "off" } } })],
  ownership: [
    looksAround,
    sees({
      leases: { at: NOW, value: [], detail: "" },
      holds: [{ id: "h1", holder: "awx", reason: "job 815", since: NOW, until: null }],
    }),
  ],
  silence: [
    looksAround,
    sees({ silences: { at: NOW, value: [{ id: "s1", by: "eve", comment: "new fan", endsAt: LATER }], detail: "" } }),
  ],
  dependency: [looksAround, sees({ busy: [{ scope: "target:host:db-1", targets: ["host/db-1"], held: 1 }] })],
  "facts-available": [
    risky,
    factsOf({ reading: { ...factsOf().reading, state: "unknown", reason: "no series answers the query" } }),
  ],
  granted: [risky, factsOf({ grant: { team: "storage", groups: ["db"] } })],
  requirement: [risky, factsOf({ requirement: { holds: false, detail: "target.diskCount == 1 is false for web-1" } })],
  mode: [risky, factsOf({ modes: { global: "auto", group: "review", runbook: "auto" } })],
  slo: [looksAround, sees({ slos: { shop: { at: NOW, value: { window: 0.006, recent: 0.005 }, detail: "" } } })],
  "error-budget": [
    limited({ errorBudget: { scope: "runbook:disk@web", max: 2, windowMs: 7 * 24 * HOUR_MS } }),
    sharing({ failures: 2 }),
  ],
  security: [limited({ security: "the runbook disk is tagged security" }), sharing({})],
  rollout: [limited({ rollout: { percent: 10, bucket: 62.5 } }), sharing({})],
  "one-per-target": [risky, counted({ openElsewhere: "5f3a91c2" })],
  cooldown: [risky, counted({ lastActedAt: ago(20 * HOUR_MS) })],
  attempts: [risky, counted({ attempts: 2 })],
  flapping: [
    limited({ flapping: { from: 3, person: 6, windowMs: 6 * HOUR_MS, backoffMs: 600_000 } }),
    sharing({ firings: { count: 4, lastAt: NOW } }),
  ],
  approval: [risky, counted({ standing: null })],
  "target-exclusive": [risky, counted({ held: { "target:host:web-1": 1, "group:web": 0, "rack:r1": 0 } })],
  "group-cap": [capAt("group:web", 4, "10% of 40 in group web"), held("group:web", 4, { leftOut: { "group:web": 1 } })],
  "rack-cap": [capAt("rack:r1", 1, "1 in rack r1"), held("rack:r1", 1)],
  "service-cap": [capAt("service:shop", 2, "2 in service shop"), held("service:shop", 2)],
  "region-cap": [capAt("region:eu", 10, "10 in region eu"), held("region:eu", 10)],
  "global-cap": [capAt("global", 25, "25 at all"), held("global", 25)],
  "min-healthy": [
    limited({
      minHealthy: { scope: "group:web", members: 10, min: 8, because: "80% of 10 in group web", outsideMaxAgeMs: null },
    }),
    sharing({ health: { inWork: ["web-2"], leftOut: ["web-3"], outside: null } }),
  ],
  rate: [risky, counted({ rateUsed: 20, rateSince: ago(HOUR_MS / 2) })],
  cost: [
    limited({ cost: { estimate: 40, budgets: [{ scope: "group:web", max: 100, windowMs: 24 * HOUR_MS }] } }),
    sharing({ budgets: { "group:web": { count: 2, cost: 80, since: ago(HOUR_MS) } } }),
  ],
};

describe("the guardrails in docs/runbook-reference.md", () => {
  let text = "";
  beforeAll(async () => {
    text = await readFile(projectPath("docs", "runbook-reference.md"), "utf8");
  });

  /** Rows of the table below a heading, as cells without marks of code. */
  const rows = (heading: string): string[][] => {
    const [, section = ""] = text.split(`\n${heading}\n`);
    const [body = ""] = section.split(/\n#+ /);
    const lines = body.split("\n").filter((line) => line.startsWith("|"));
    return lines.slice(2).map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
  };

  it("are all that there are, in the order in which they run, each with codes that exist", () => {
    const listed = rows("## Guardrails");
    expect(listed.map(([name]) => name)).toEqual(GUARDRAILS.map(({ name }) => name));
    const codes = listed.flatMap(([, says = ""]) => says.match(/[A-Z]+(_[A-Z]+)*\b/g) ?? []);
    expect(codes.filter((code) => !(code in REASONS))).toEqual([]);
  });

  it("say what the examples say", () => {
    const said = GUARDRAILS.map(({ name }) => {
      const [plan, facts] = EXAMPLES[name] ?? [];
      if (plan === undefined || facts === undefined) throw new Error(`no example of ${name}`);
      const result = decide(plan, facts).results.find((one) => one.guardrail === name);
      return [name, `${result?.outcome} ${result?.code}`, result?.detail];
    });
    expect(said.filter(([, outcome]) => outcome?.startsWith("pass"))).toEqual([]);
    expect(rows("### What they say")).toEqual(said);
  });
});
