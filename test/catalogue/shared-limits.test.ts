import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SharedLimits } from "../../src/contracts/plan.ts";
import { compilePlan, type Compiled } from "../../src/catalogue/compile.ts";
import { FAKE_ACTIONS } from "../support/actions.ts";
import {
  alertOf,
  catalogueOf,
  COLLECTED,
  CONFIG,
  edited,
  INVENTORY,
  problemsOf,
  RUNBOOK,
  type Files,
} from "./support.ts";

function compile(files: Files = {}, id = "web-1", labels: Record<string, string> = {}): Compiled {
  const catalogue = catalogueOf(files);
  const target = catalogue.inventory.targets.find((one) => one.id === id)!;
  return compilePlan(
    catalogue,
    catalogue.runbooks[0]!,
    target,
    [alertOf({ host: id, ...labels })],
    COLLECTED,
    FAKE_ACTIONS,
  );
}

function limitsOf(files: Files = {}, id = "web-1", labels: Record<string, string> = {}) {
  const compiled = compile(files, id, labels);
  if (!("plan" in compiled)) throw new Error(compiled.detail);
  return compiled.plan.limits;
}
const sharedOf = (files: Files = {}, id = "web-1", labels: Record<string, string> = {}): SharedLimits =>
  limitsOf(files, id, labels).shared!;

const config = (text: string): Files => ({ config: CONFIG + text });
const DAY_MS = 24 * 3_600_000;

describe("limits over all runbooks", () => {
  it("are safe where nobody says anything", () => {
    expect(sharedOf()).toEqual({
      target: { cooldownMs: null, attempts: { max: 6, windowMs: 7 * DAY_MS } },
      rates: [],
      cost: { estimate: 0, budgets: [] },
      minHealthy: null,
      flapping: { from: 4, person: 8, windowMs: DAY_MS / 4, backoffMs: 600_000 },
      storms: [
        { scope: "group:web", group: "web", trips: 5, windowMs: 600_000, because: "50% of 2, at least 5" },
        { scope: "global", group: null, trips: 10, windowMs: 600_000, because: "25% of 3, at least 10" },
      ],
      errorBudget: { scope: "runbook:disk@web", max: 3, windowMs: DAY_MS },
      pauseOnFailure: "runbook:disk@web",
      rollout: null,
      security: null,
    });
  });

  it("the built-in windows follow the time scale, as those that people write", () => {
    const scaled = sharedOf(config("timeScale: 60\n"));
    expect(scaled.storms[0]?.windowMs).toBe(10_000);
    expect(scaled.errorBudget?.windowMs).toBe(DAY_MS / 60);
  });

  it("a group's own come before the defaults, key by key", () => {
    const text = edited(
      "web: { owner: web-team }",
      "web: { owner: web-team, limits: { rate: 2 per 1h, storm: off } }",
      CONFIG,
    );
    const files = {
      config: `${text}defaults: { rate: 9 per 1h, cooldown: 5m, errorBudget: off, pauseOnFailure: false }\n`,
    };
    expect(sharedOf(files)).toMatchObject({
      rates: [{ scope: "group:web", max: 2, windowMs: 3_600_000 }],
      target: { cooldownMs: 300_000 },
      storms: [{ scope: "global" }],
      errorBudget: null,
      pauseOnFailure: null,
    });
    const inventory = edited(
      "attributes: { diskCount: 1, address: 10.0.0.9 }",
      "rack: r9, attributes: { pool: db, image: d, address: 10.0.0.9 }",
      INVENTORY,
    );
    expect(sharedOf({ ...files, inventory }, "db-1").rates).toMatchObject([{ scope: "group:db", max: 9 }]);
  });

  it("are pinned into the plan and its hash", () => {
    const hashes = ["", "defaults: { cooldown: 5m }\n"].map((text) => {
      const compiled = compile(config(text));
      return "plan" in compiled ? compiled.planHash : "";
    });
    expect(new Set(hashes).size).toBe(2);
  });
});

describe("caps", () => {
  it("of the configuration stand beside the runbook's, each with its number", () => {
    const files = config("limits: { cap: { share: 50%, atMost: 1 } }\ndefaults: { group: 100%, rack: 50% }\n");
    expect(limitsOf(files).caps).toEqual([
      { scope: "group:web", max: 1, because: "10% of 2 in group web" },
      { scope: "rack:r1", max: 1, because: "1 in rack r1" },
      { scope: "group:web", max: 2, because: "100% of 2 in group web" },
      { scope: "rack:r1", max: 1, because: "50% of 2 in rack r1" },
      { scope: "global", max: 1, because: "50% of 3 in all" },
    ]);
  });

  it("are taken of every service, and of the region", () => {
    const inventory = edited("rack: r1\n", "rack: r1\n    region: eu\n    services: [shop, blog]\n", INVENTORY);
    const runbook = edited("rack: 1,", "region: 1, service: 0%,");
    expect(limitsOf({ inventory, runbooks: [runbook] }).caps.map(({ scope, max }) => `${scope} ${max}`)).toEqual([
      "group:web 1",
      "region:eu 1",
      "service:shop 0",
      "service:blog 0",
    ]);
  });

  it("a region that the inventory does not know refuses", () => {
    expect(compile(config("defaults: { region: 10% }\n"))).toEqual({
      code: "FACTS_UNAVAILABLE",
      detail: "disk: limits.region needs to know the region of web-1, and the inventory has none",
    });
  });
});

describe("minHealthy", () => {
  it.each([
    ["0%", 0],
    ["1%", 1],
    ["50%", 1],
    ["51%", 2],
    ["100%", 2],
    ["1", 1],
  ])("keep: %s of 2 is %d: rounded up", (keep, min) => {
    expect(sharedOf(config(`defaults: { minHealthy: { keep: ${keep} } }\n`)).minHealthy).toMatchObject({
      scope: "group:web",
      members: 2,
      min,
      outsideMaxAgeMs: null,
    });
  });

  it.each(["loadBalancer: true", "query: up"])("with %s a reading has an age", (source) => {
    const text = `defaults: { minHealthy: { keep: 50%, ${source}, maxAge: 2m } }\n`;
    expect(sharedOf(config(text)).minHealthy?.outsideMaxAgeMs).toBe(120_000);
  });
});

describe("rollout", () => {
  const hash = catalogueOf().runbooks[0]!.hash;
  const rollouts = (share: string, of = hash): string =>
    `defaults: { rollout: 10% }\nrollouts: [{ runbook: disk, runbookHash: "${of}", share: ${share}, by: anna }]\n`;

  it("is the same for one version and target, and another for another", () => {
    const bucket = (id: string) => sharedOf(config("defaults: { rollout: 10% }\n"), id).rollout?.bucket;
    expect(bucket("web-1")).toBe(bucket("web-1"));
    expect(bucket("web-1")).not.toBe(bucket("web-2"));
  });

  it("is widened for exactly this version, and lapses when the runbook changes", () => {
    expect(sharedOf(config(rollouts("60%"))).rollout?.percent).toBe(60);
    expect(sharedOf(config(rollouts("100%"))).rollout).toBeNull();
    expect(sharedOf(config(rollouts("60%", "0".repeat(64)))).rollout?.percent).toBe(10);
    expect(problemsOf(config(rollouts("60%", "0".repeat(64))))).toEqual([
      expect.stringContaining("rollouts[0].runbookHash: warning: this rollout has lapsed") as string,
    ]);
  });

  it("the runbook says it before the group, without becoming another version", () => {
    const runbook = edited("rack: 1,", "rack: 1, rollout: 30%,");
    const catalogue = catalogueOf({ runbooks: [runbook] });
    expect(catalogue.runbooks[0]?.hash).toBe(hash);
    expect(sharedOf({ runbooks: [runbook], config: `${CONFIG}defaults: { rollout: 10% }\n` }).rollout?.percent).toBe(
      30,
    );
  });

  it("spreads the targets over the whole range", () => {
    const ids = Array.from({ length: 400 }, (_, index) => `n-${index}`);
    const inventory = `${INVENTORY}${ids.map((id) => `  - { kind: host, id: ${id}, group: web, rack: r1, attributes: { pool: web, image: d, diskCount: 1, address: 10.0.0.1 } }\n`).join("")}`;
    const catalogue = catalogueOf({
      inventory: inventory.replaceAll("10.0.0.1 } }", "h } }"),
      config: `${CONFIG}defaults: { rollout: 10% }\n`,
    });
    const chosen = ids.filter((id) => {
      const target = catalogue.inventory.targets.find((one) => one.id === id)!;
      const compiled = compilePlan(
        catalogue,
        catalogue.runbooks[0]!,
        target,
        [alertOf({ host: id })],
        COLLECTED,
        FAKE_ACTIONS,
      );
      const rollout = "plan" in compiled ? (compiled.plan.limits.shared?.rollout ?? null) : null;
      return rollout !== null && rollout.bucket < 10;
    });
    expect(chosen.length).toBeGreaterThan(20);
    expect(chosen.length).toBeLessThan(65);
  });
});

describe("security", () => {
  it("is what the runbook is tagged with", () => {
    const runbook = edited("owner: storage,", "owner: storage, tags: [security],");
    expect(sharedOf({ runbooks: [runbook] }).security).toBe("the runbook disk is tagged security");
  });

  it("is what an alert's labels say, as configured", () => {
    expect(sharedOf({}, "web-1", { category: "security" }).security).toBe('an alert has category="security"');
    expect(sharedOf({}, "web-1", { category: "disk" }).security).toBeNull();
    const files = config("approvals: { security: [{ team: secops, kind: intrusion }] }\n");
    expect(sharedOf(files, "web-1", { team: "secops" }).security).toBeNull();
    expect(sharedOf(files, "web-1", { team: "secops", kind: "intrusion" }).security).toContain('team="secops"');
  });
});

describe("a mistake in them is located and says what would be right", () => {
  it.each([
    ["defaults: { group: 101% }", "defaults.group"],
    ["defaults: { group: { share: 10%, atLeast: 9, atMost: 2 } }", "defaults.group"],
    ["defaults: { storm: { share: 30% } }", "defaults.storm"],
    ["defaults: { errorBudget: none }", "defaults.errorBudget"],
    ["defaults: { flapping: { from: 4, person: 4, within: 6h, backoff: 1m } }", "defaults.flapping.person"],
    ["defaults: { minHealthy: { keep: 200% } }", "defaults.minHealthy.keep"],
    ["limits: { cap: 0 }", "limits.cap"],
    ["limits: { group: 10% }", "limits.group"],
    ['rollouts: [{ runbook: dsk, runbookHash: "x", share: 1%, by: anna }]', "rollouts[0].runbookHash"],
    [`rollouts: [{ runbook: disk, runbookHash: "${"0".repeat(64)}", share: 1%, by: nobody }]`, "rollouts[0].by"],
  ])("%s", (text, path) => {
    expect(problemsOf(config(`${text}\n`)).some((problem) => problem.includes(path))).toBe(true);
  });

  it("a runbook's cost must not be negative", () => {
    expect(problemsOf({ runbooks: [edited("rack: 1,", "rack: 1, cost: -1,", RUNBOOK)] })).toHaveLength(1);
  });
});

describe("the storm's bound", () => {
  it("is the share rounded up, and never less than its least", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 9 }), (share, atLeast) => {
        const text = `defaults: { storm: { share: ${share}%, within: 1m, atLeast: ${atLeast} } }\n`;
        expect(sharedOf(config(text)).storms[0]?.trips).toBe(Math.max(atLeast, Math.ceil((2 * share) / 100)));
      }),
      { numRuns: 10 },
    );
  });
});
