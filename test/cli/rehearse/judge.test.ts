import { describe, expect, it } from "vitest";
import { manualClock } from "../../../src/lab/clock.ts";
import { FAULT_NAMES } from "../../../src/lab/faults.ts";
import { simulatedLab, type Lab } from "../../../src/lab/lab.ts";
import { brokenIn, rehearsalOf, whyNotSettled, type Ended, type SeedResult } from "../../../src/cli/rehearse/judge.ts";
import { faultOf, scenariosOf, STRIKES } from "../../../src/cli/rehearse/scenarios.ts";
import { rehearsalText } from "../../../src/cli/rehearse/text.ts";

const ended = (change: Partial<Ended> = {}): Ended => ({
  ...{ strike: "none", host: "web-1", outcome: "healed", needsHuman: false, detail: "in service" },
  ...{ remediationId: "r1", ...change },
});
const seed = (change: Partial<SeedResult> = {}): SeedResult => {
  return { seed: 1, seconds: 30, ended: [ended()], broken: [], ...change };
};
const ABOUT = { runbook: "disk", runbookHash: "a".repeat(64), standIns: [] };
const IN_ORDER = { ok: true, checks: [] };

describe("a scenario", () => {
  it.each([
    ["heals where nothing strikes", {}, null],
    ["may end in any way with a name under a fault", { strike: "wrong-disk", outcome: "escalated" }, null],
    [
      "that nothing struck must not be refused",
      { outcome: "refused", detail: "MODE" },
      "nothing struck, and it was refused: MODE",
    ],
    [
      "must come to an end",
      { strike: "slow", outcome: null, detail: "act: drain" },
      "it did not come to an end: act: drain",
    ],
    ["must not fail", { strike: "slow", outcome: "failed", detail: "TypeError" }, "a bug: TypeError"],
    ["that only observed shows nothing", { strike: "slow", outcome: "observed", detail: "x" }, "it only observed: x"],
  ] as const)("%s", (_what, change, why) => {
    expect(whyNotSettled(ended(change))).toBe(why);
  });
});

describe("a rehearsal", () => {
  it("passes when every scenario settled and nothing is broken, and says what ran", () => {
    const both = [ended(), ended({ strike: "wrong-disk", outcome: "escalated" })];
    const rehearsal = rehearsalOf({ ...ABOUT, standIns: ["slis.errors"] }, [
      seed({ ended: both }),
      seed({ seed: 2, ended: both }),
    ]);
    expect(rehearsal).toMatchObject({
      passed: true,
      summary:
        "4 runs in the lab (none, wrong-disk), seeds 1, 2: 2 healed, 2 escalated; the lab stood in for slis.errors",
    });
    const lines = rehearsalText(rehearsal).split("\n");
    expect(lines[1]).toMatch(/^FAULT +SEED 1 +SEED 2$/);
    expect(lines[3]).toMatch(/^wrong-disk +escalated +escalated$/);
  });

  it.each([
    ["nothing ran", [], "0 not settled"],
    ["one did not settle", [seed({ ended: [ended({ outcome: null })] })], "1 not settled, 0 invariants broken"],
    ["an invariant broke", [seed({ broken: ["2 tickets with the key k"] })], "0 not settled, 1 invariants broken"],
  ])("does not pass when %s", (_what, seeds, why) => {
    const rehearsal = rehearsalOf(ABOUT, seeds);
    expect(rehearsal.passed).toBe(false);
    expect(rehearsal.summary).toContain(why);
  });

  it("tells people what is wrong, and where", () => {
    const wrong = seed({ ended: [ended({ outcome: null, detail: "act" })], broken: ["all 2 servers were out"] });
    const text = rehearsalText(rehearsalOf(ABOUT, [wrong]));
    expect(text).toContain("none   open !");
    expect(text).toContain("seed 1, none on web-1 (r1): it did not come to an end: act");
    expect(text).toContain("seed 1: BROKEN: all 2 servers were out");
  });
});

describe("the scenarios of a seed", () => {
  it("are a host each, with a failing disk, a group of its own, and the fault on that host alone", () => {
    const { hosts, scenarios } = scenariosOf(STRIKES, 3, null);
    expect(new Set(scenarios.map(({ host }) => host)).size).toBe(STRIKES.length);
    const failing = hosts.filter(({ disks }) => disks.some((disk) => disk.failing));
    expect(failing.map(({ id }) => id).sort()).toEqual(scenarios.map(({ host }) => host).sort());
    expect(new Set(failing.map(({ group }) => group)).size).toBe(STRIKES.length);
    for (const one of scenarios) {
      if (one.strike === "none") expect(faultOf(one)).toBeNull();
      else expect(faultOf(one)).toMatchObject({ name: one.strike, host: one.host });
    }
    expect(STRIKES.length).toBeGreaterThan(FAULT_NAMES.length - 3);
  });

  it("are the same for the same seed, and in the runbook's group where it may touch no other", () => {
    expect(scenariosOf(STRIKES, 3, null)).toEqual(scenariosOf(STRIKES, 3, null));
    const { hosts, scenarios } = scenariosOf(["none", "slow"], 3, ["web"]);
    const groups = scenarios.map(({ host }) => hosts.find(({ id }) => id === host)?.group);
    expect(groups).toEqual(["web", "web"]);
  });
});

describe("what must never happen", () => {
  const labOf = (): Lab => {
    const { hosts } = scenariosOf(["none"], 1, null);
    const web = hosts.filter(({ pool }) => pool === "web").slice(0, 2);
    return simulatedLab({ seed: 1, hosts: web, clock: manualClock({ startAt: 0 }) });
  };

  it("is nothing in a world that nobody touched", () => {
    expect(brokenIn(labOf().world, IN_ORDER)).toEqual([]);
  });

  it("is the last server of a pool out, though it is back by the end", () => {
    const { world } = labOf();
    const hosts = [...world.hosts.keys()];
    for (const what of ["drain", "ready"]) for (const host of hosts) world.note({ system: "haproxy", what, host });
    expect(brokenIn(world, IN_ORDER)).toEqual(["all 2 servers of pool web were out at one time"]);
  });

  it("is a ticket twice for one key, and what the books say is lost; what is left to a person is not", () => {
    const { world } = labOf();
    for (let n = 0; n < 2; n++) world.note({ system: "rt", what: "ticket-created", key: "k" });
    const exception = { about: "web-1", sentence: "is gone", next: "" };
    const exceptions = [
      { kind: "lost" as const, ...exception },
      { kind: "person" as const, ...exception },
    ];
    const checks = [{ check: "effects", figures: "", exceptions }];
    expect(brokenIn(world, { ok: false, checks })).toEqual([
      "2 tickets with the key k",
      "effects: lost web-1: is gone",
    ]);
  });
});
