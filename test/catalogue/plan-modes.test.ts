import { describe, expect, it } from "vitest";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import { compilePlan } from "../../src/catalogue/compile.ts";
import { modesOfPlan } from "../../src/catalogue/plan-modes.ts";
import type { Plan } from "../../src/contracts/plan.ts";
import { alertOf, catalogueOf, COLLECTED, CONFIG, edited, RUNBOOK } from "./support.ts";

const auto = edited("require:", "mode: auto\nrequire:");
const decided = catalogueOf({ runbooks: [auto] });
const observing = catalogueOf();

function planOf(catalogue: Catalogue): Plan {
  const [runbook, target] = [catalogue.runbooks[0]!, catalogue.inventory.targets[0]!];
  const compiled = compilePlan(catalogue, runbook, target, [alertOf()], COLLECTED, catalogue.actions);
  if (!("plan" in compiled)) throw new Error(compiled.detail);
  return compiled.plan;
}

describe("the modes of a plan", () => {
  const AUTO = { global: "auto", group: "auto", runbook: "auto" };

  it.each([
    ["as they were", {}, AUTO],
    [
      "the global one lowered",
      { config: edited("mode: auto", "mode: observe", CONFIG) },
      { ...AUTO, global: "observe" },
    ],
    [
      "the group's lowered",
      { config: edited("web-team }", "web-team, mode: review }", CONFIG) },
      { ...AUTO, group: "review" },
    ],
    [
      "the runbook's lowered",
      { runbooks: [edited("require:", "mode: review\nrequire:")] },
      { ...AUTO, runbook: "review" },
    ],
    ["the runbook gone", { runbooks: [edited("name: disk", "name: other", auto)] }, AUTO],
  ])("count what was lowered since it was decided: %s", (_, files, expected) => {
    const active = catalogueOf({ runbooks: [auto], ...files });
    expect(modesOfPlan({ pinned: decided, active }, planOf(decided), [])).toEqual(expected);
  });

  it("are not lifted by an edit: that is for what decides after it", () => {
    const reviewed = catalogueOf({ runbooks: [edited("require:", "mode: review\nrequire:")] });
    expect(modesOfPlan({ pinned: reviewed, active: decided }, planOf(reviewed), [])).toEqual({
      ...AUTO,
      runbook: "review",
    });
  });

  it("are what a person set, until the file says something else than it did then", () => {
    const set = { scope: "runbook:disk@web", mode: "auto", declared: "observe", by: "anna", reason: "earned" } as const;
    const plan = planOf(observing);
    const sets = [{ ...set, id: "m1", at: "2026-11-21T12:00:00.000Z", runbookHash: plan.runbookHash }];
    const after = (active: Catalogue) => modesOfPlan({ pinned: observing, active }, plan, sets).runbook;
    expect(after(observing)).toBe("auto");
    expect(after(catalogueOf({ runbooks: [edited("require:", "mode: review\nrequire:")] }))).toBe("review");
    expect(after(catalogueOf({ runbooks: [edited("limits:", "flapWindow: 2m\nlimits:")] }))).toBe("auto");
  });

  it("need the runbook in the version that it was decided with", () => {
    const other = catalogueOf({ runbooks: [edited("name: disk", "name: other", RUNBOOK)] });
    expect(() => modesOfPlan({ pinned: other, active: decided }, planOf(decided), [])).toThrow("has no runbook disk");
  });
});
