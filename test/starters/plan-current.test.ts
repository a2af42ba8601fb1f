import { describe, expect, it } from "vitest";
import type { Phase } from "../../src/contracts/remediation.ts";
import { compilePlan } from "../../src/catalogue/compile.ts";
import { sincePlanned } from "../../src/starters/plan-current.ts";
import { alertOf, catalogueOf, COLLECTED, edited, INVENTORY, RUNBOOK } from "../catalogue/support.ts";

const decided = catalogueOf();
const [runbook, target] = [decided.runbooks[0]!, decided.inventory.targets[0]!];
const compiled = compilePlan(decided, runbook, target, [alertOf()], COLLECTED, decided.actions);
if (!("plan" in compiled)) throw new Error(compiled.detail);
const { plan } = compiled;

const storyIn = (phase: Phase, catalogueVersion = decided.version) =>
  ({ plan, remediation: { phase, closedAt: null, catalogueVersion } }) as Parameters<typeof sincePlanned>[1];

describe("a plan that waits for a person", () => {
  it("is as it was decided, whatever else was edited", () => {
    expect(sincePlanned(decided, storyIn("approve"))).toEqual([]);
    const other = edited("id: web-2", "id: web-3", INVENTORY);
    expect(sincePlanned(catalogueOf({ inventory: other }), storyIn("approve"))).toEqual([]);
  });

  it.each([
    [
      "its runbook has changed",
      { runbooks: [edited("hold: 10m", "hold: 1m")] },
      /^runbook disk has changed \(\w{12} then, \w{12} now\)$/,
    ],
    [
      "its runbook is gone",
      { runbooks: [edited("name: disk", "name: other", RUNBOOK)] },
      /^runbook disk is not in the catalogue any more$/,
    ],
    [
      "its target has changed",
      { inventory: edited("diskCount: 1", "diskCount: 2", INVENTORY) },
      /of web-1 now: attributes$/,
    ],
    [
      "its target is gone",
      { inventory: edited("id: web-1", "id: web-9", INVENTORY) },
      /does not have host\/web-1 any more$/,
    ],
  ])("tells that %s since", (_, files, expected) => {
    const since = sincePlanned(catalogueOf(files), storyIn("approve"));
    expect(since).toHaveLength(1);
    expect(since?.[0]).toMatch(expected);
  });

  it("has nothing to tell once it acts, is closed, or while no catalogue is loaded", () => {
    expect(sincePlanned(null, storyIn("approve"))).toBeNull();
    expect(sincePlanned(decided, storyIn("act"))).toBeNull();
    const { remediation } = storyIn("approve");
    expect(
      sincePlanned(decided, { plan, remediation: { ...remediation, closedAt: "2026-11-21T12:00:00.000Z" } }),
    ).toBeNull();
    expect(sincePlanned(decided, { plan: null, remediation })).toBeNull();
  });
});
