import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Alert } from "../../src/contracts/alert.ts";
import type { JsonObject } from "../../src/contracts/json.ts";
import type { Plan } from "../../src/contracts/plan.ts";
import { hashOf } from "../../src/catalogue/canonical.ts";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import {
  CompileError,
  compileCollect,
  compilePlan,
  compileProbe,
  planHashOf,
  requirement,
  type Compiled,
} from "../../src/catalogue/compile.ts";
import { shareCap } from "../../src/catalogue/compile-limits.ts";
import { FAKE_ACTIONS } from "../support/actions.ts";
import { alertOf, catalogueOf, COLLECTED, CONFIG, edited, INVENTORY, type Files } from "./support.ts";

function compile(
  catalogue: Catalogue,
  id = "web-1",
  collected: JsonObject = COLLECTED,
  alerts: Alert[] = [alertOf({ host: id })],
): Compiled {
  const target = catalogue.inventory.targets.find((one) => one.id === id)!;
  return compilePlan(catalogue, catalogue.runbooks[0]!, target, alerts, collected, FAKE_ACTIONS);
}

function planOf(files: Files = {}, id = "web-1", collected: JsonObject = COLLECTED): Plan {
  const compiled = compile(catalogueOf(files), id, collected);
  if (!("plan" in compiled)) throw new Error(compiled.detail);
  return compiled.plan;
}

describe("a plan", () => {
  it("has every value filled in, and references to steps left for the workflow", () => {
    const [rung] = planOf().rungs;
    expect(rung?.steps.map(({ id, with: input }) => [id, input])).toEqual([
      ["start", { for: 48 * 3_600_000 }],
      ["drain", { pool: "web" }],
      ["dc", { queue: "datacenter", body: "Replace S1 in web-1" }],
      ["wait", { ticket: "${{ steps.dc.ticketId }}" }],
      ["wipe", { image: "debian-12" }],
    ]);
  });

  it("carries what the workflow needs of each action", () => {
    expect(planOf().rungs[0]?.steps[1]).toMatchObject({
      uses: "traffic.drain",
      actionVersion: 1,
      risk: "low",
      undoable: true,
      finish: { healthy: true, otherwise: false, ramped: true },
      applyTimeoutMs: 10_000,
      lifeMs: 60_000,
      withinMs: 300_000,
      onFail: "nextRung",
    });
    expect(planOf().rungs[0]?.steps[3]?.withinMs).toBe(24 * 3_600_000);
  });

  it("compiles probes and SLI for the target", () => {
    const plan = planOf();
    expect(plan.probe).toMatchObject({
      name: "probe",
      with: { query: 'failing{host="web-1",device="sda"}', maxAge: 300_000 },
    });
    expect(plan.rungs[0]?.verify.also).toMatchObject([
      { name: "host.ready", with: { host: "10.0.0.1", port: 22, timeoutMs: 3_000 } },
    ]);
    expect(plan.harm).toEqual({
      name: "availability",
      query: 'up{pool="web"}',
      maxAgeMs: 300_000,
      better: "higher",
      worseBy: 0.02,
    });
  });

  it("has the defaults that the reference states", () => {
    const bare = edited("limits: { cooldown: 24h, attempts: 2 per 7d, rate: 20 per 1h, rack: 1, group: 10% }\n", "");
    const { limits, approval, flapWindowMs, finish } = planOf({ runbooks: [bare] });
    expect(limits).toMatchObject({ cooldownMs: 600_000, attempts: { max: 2, windowMs: 604_800_000 }, rate: null });
    expect(limits.caps).toEqual([{ scope: "group:web", max: 1, because: "10% of 2 in group web" }]);
    expect(approval).toEqual({ roles: ["dc-ops"], expiresMs: 4 * 3_600_000, onTimeout: "escalate" });
    expect(flapWindowMs).toBe(60_000);
    expect(finish.escalate).toEqual({ afterEffect: "page", beforeEffect: "bySeverity" });
  });

  it("has the worst severity of its alerts", () => {
    const catalogue = catalogueOf();
    const compiled = compile(catalogue, "web-1", COLLECTED, [
      alertOf({ severity: "info" }),
      alertOf({ severity: "critical" }),
    ]);
    expect(compiled).toMatchObject({ plan: { severity: "critical" } });
  });
});

describe("no plan is made of nothing", () => {
  it.each([
    [
      "a missing attribute",
      { inventory: edited("pool: web, ", "", INVENTORY) },
      COLLECTED,
      "FACTS_UNAVAILABLE",
      "target.pool",
    ],
    [
      "an empty attribute",
      { inventory: edited("pool: web, ", 'pool: "", ', INVENTORY) },
      COLLECTED,
      "FACTS_UNAVAILABLE",
      "an empty text",
    ],
    ["missing evidence", {}, {}, "FACTS_UNAVAILABLE", "collected.disk.serial"],
    ["empty evidence", {}, { disk: { serial: "" } }, "FACTS_UNAVAILABLE", "an empty text"],
    [
      "evidence that is a template",
      {},
      { disk: { serial: "${{ steps.dc.url }}" } },
      "FACTS_UNAVAILABLE",
      "itself a template",
    ],
    [
      "an unknown rack that the runbook limits",
      { inventory: edited("    rack: r1\n", "", INVENTORY) },
      COLLECTED,
      "FACTS_UNAVAILABLE",
      "limits.rack needs to know the rack",
    ],
    [
      "a value of the wrong type",
      { inventory: edited("image: debian-12, diskCount: 1", "image: 12, diskCount: 1", INVENTORY) },
      COLLECTED,
      "PLAN_INVALID",
      "host.wipe does not take image",
    ],
    ["too much evidence", {}, { disk: { serial: "x".repeat(70_000) } }, "PLAN_INVALID", "at most 65536 are allowed"],
  ])("%s", (_what, files, collected, code, detail) => {
    const compiled = compile(catalogueOf(files), "web-1", collected);
    expect(compiled).toMatchObject({ code });
    expect("detail" in compiled ? compiled.detail : "").toContain(detail);
  });

  it("an action that this program does not have", () => {
    const catalogue = catalogueOf();
    const { "host.wipe": _gone, ...fewer } = FAKE_ACTIONS;
    const target = catalogue.inventory.targets[0]!;
    expect(compilePlan(catalogue, catalogue.runbooks[0]!, target, [alertOf()], COLLECTED, fewer)).toMatchObject({
      code: "PLAN_INVALID",
    });
  });

  it("no alert", () => {
    expect(compile(catalogueOf(), "web-1", COLLECTED, [])).toMatchObject({ code: "PLAN_INVALID" });
  });
});

describe("the plan's hash", () => {
  const catalogue = catalogueOf();
  const hash = (alerts: Alert[], collected: JsonObject = COLLECTED): string => {
    const compiled = compile(catalogue, "web-1", collected, alerts);
    return "plan" in compiled ? compiled.planHash : compiled.detail;
  };

  it("is the hash of the plan that is stored", () => {
    const compiled = compile(catalogue);
    if (!("plan" in compiled)) throw new Error(compiled.detail);
    expect(planHashOf(JSON.parse(JSON.stringify(compiled.plan)) as Plan)).toBe(compiled.planHash);
  });

  it("does not depend on times, annotations, fingerprint or unused labels of the alert", () => {
    const base = hash([alertOf()]);
    const text = fc.string();
    fc.assert(
      fc.property(text, text, fc.dictionary(text, text), text, (startsAt, receivedAt, annotations, team) => {
        expect(hash([{ ...alertOf({ team }), startsAt, receivedAt, annotations, fingerprint: startsAt }])).toBe(base);
      }),
      { numRuns: 25 },
    );
  });

  it("does not depend on the order of keys", () => {
    expect(hash([alertOf()], { disk: { slot: "0", serial: "S1" } })).toBe(hash([alertOf()], COLLECTED));
  });

  it("changes with the evidence, the target's facts and the runbook", () => {
    const others = [
      hash([alertOf()], { disk: { serial: "S2", slot: "0" } }),
      ...[
        { inventory: edited("rack: r1", "rack: r9", INVENTORY) },
        { runbooks: [edited("hold: 10m", "hold: 11m")] },
      ].map((files) => {
        const compiled = compile(catalogueOf(files));
        return "plan" in compiled ? compiled.planHash : "";
      }),
    ];
    expect(new Set([hash([alertOf()]), ...others]).size).toBe(4);
  });

  it("equal JSON has equal hashes, other JSON others", () => {
    const shuffled = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(shuffled)
        : typeof value === "object" && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([key, item]) => [key, shuffled(item)]),
            )
          : value;
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(hashOf(shuffled(a) as never)).toBe(hashOf(a as never));
        expect(hashOf(a as never) === hashOf(b as never)).toBe(JSON.stringify(sorted(a)) === JSON.stringify(sorted(b)));
      }),
    );
  });
});

/** Another way to make one text of equal JSON: objects as sorted lists of entries, marked as objects. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return ["list", ...value.map(sorted)];
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return ["mapping", ...entries.map(([key, item]) => [key, sorted(item)])];
}

describe("the cap of a group", () => {
  it.each([
    [10, 40, 4],
    [10, 49, 4],
    [10, 9, 1],
    [1, 1, 1],
    [50, 1, 1],
    [100, 7, 7],
    [100, 0, 1],
    [0, 40, 0],
  ])("%d%% of %d is %d", (percent, size, max) => {
    expect(shareCap({ percent, atLeast: 1, atMost: null }, "group:web", "group web", size)).toEqual({
      scope: "group:web",
      max,
      because: `${percent}% of ${size} in group web`,
    });
  });

  it("is never below 1 and never above the share", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(100_000), (percent, size) => {
        const { max } = shareCap({ percent, atLeast: 1, atMost: null }, "group:web", "group web", size);
        expect(max).toBeGreaterThanOrEqual(1);
        expect(max).toBeLessThanOrEqual(Math.max(1, (size * percent) / 100));
      }),
    );
  });

  it("is never below its floor and never above its cap", () => {
    const bounds = fc
      .tuple(fc.nat(9), fc.nat(9))
      .map(([floor, more]) => ({ atLeast: floor, atMost: floor + more + 1 }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(100_000), bounds, (percent, size, { atLeast, atMost }) => {
        const { max } = shareCap({ percent, atLeast, atMost }, "global", "all", size);
        expect(max).toBe(Math.min(atMost, Math.max(atLeast, Math.floor((size * percent) / 100))));
      }),
    );
  });

  it("counts only members of the same kind", () => {
    const inventory = `${INVENTORY}${Array.from({ length: 30 }, (_, index) => `  - { kind: pod, id: p${index}, group: web }\n`).join("")}`;
    expect(planOf({ inventory }).limits.caps[0]?.because).toBe("10% of 2 in group web");
  });
});

describe("requirement", () => {
  const ask = (require: string, id = "web-1"): { holds: boolean | null; detail: string } => {
    const catalogue = catalogueOf({ runbooks: [edited("require: target.diskCount == 1", `require: ${require}`)] });
    const target = catalogue.inventory.targets.find((one) => one.id === id)!;
    return requirement(catalogue, catalogue.runbooks[0]!, target, alertOf(), COLLECTED);
  };

  it("says what holds for the target", () => {
    expect(ask("target.diskCount == 1")).toEqual({ holds: true, detail: "target.diskCount == 1 is true for web-1" });
    expect(ask("target.stateless && target.diskCount == 1", "web-2")).toMatchObject({ holds: false });
    expect(ask("collected.disk.serial == 'S1' && facts.groupSize == 2")).toMatchObject({ holds: true });
  });

  it("is unknown, not false, when a fact is missing", () => {
    expect(ask("target.pool == 'web'", "db-1")).toMatchObject({ holds: null });
    expect(ask("target.pool")).toMatchObject({ holds: null });
  });
});

describe("probe and evidence", () => {
  it("throw a CompileError with its code instead of asking about nothing", () => {
    const catalogue = catalogueOf();
    const [runbook, target] = [catalogue.runbooks[0]!, catalogue.inventory.targets[0]!];
    expect(() => compileProbe(catalogue, runbook, target, alertOf({ device: " " }))).toThrow(CompileError);
    expect(compileCollect(catalogue, runbook, target, alertOf())).toEqual([
      { id: "disk", uses: "disk.report", input: {} },
    ]);
  });

  it("evidence takes durations and templates like a step", () => {
    const asks = 'uses: disk.report, with: { device: "${{ alert.labels.device }}", wait: 5s }';
    const catalogue = catalogueOf({ runbooks: [edited("uses: disk.report", asks)] });
    const [runbook, target] = [catalogue.runbooks[0]!, catalogue.inventory.targets[0]!];
    expect(compileCollect(catalogue, runbook, target, alertOf())[0]?.input).toEqual({ device: "sda", waitMs: 5_000 });
  });

  it("the global mode, the group's and the runbook's are kept apart for the policy", () => {
    const catalogue = catalogueOf({ config: CONFIG, runbooks: [edited("require:", "mode: auto\nrequire:")] });
    const [runbook] = catalogue.runbooks;
    const [web, , db] = catalogue.inventory.targets;
    expect(catalogue.modes(runbook!, web!)).toEqual({ global: "auto", group: "auto", runbook: "auto" });
    expect(catalogue.modes(runbook!, db!)).toEqual({ global: "auto", group: "review", runbook: "auto" });
    expect(catalogue.modes(runbook!, { ...web!, group: "unheard of" }).group).toBe("observe");
  });
});
