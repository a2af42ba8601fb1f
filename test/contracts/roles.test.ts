import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reachOf, ROLES, type Grant } from "../../src/contracts/roles.ts";

describe("what roles give", () => {
  it.each([
    ["viewer", ["viewer"]],
    ["operator", ["viewer", "operator"]],
    ["approver", ["viewer", "approver"]],
    ["admin", ["viewer", "operator", "admin"]],
  ] as const)("%s gives %s, and nothing else: an admin does not approve", (role, gives) => {
    expect(ROLES.filter((one) => reachOf([{ role, groups: null }], one) === "everywhere")).toEqual(gives);
  });

  it("reach as far as the grants together, each role for itself", () => {
    const grants: Grant[] = [
      { role: "viewer", groups: null },
      { role: "operator", groups: ["web", "db"] },
      { role: "operator", groups: ["web"] },
    ];
    expect(reachOf(grants, "viewer")).toBe("everywhere");
    expect(reachOf(grants, "operator")).toEqual(["db", "web"]);
    expect(reachOf(grants, "approver")).toEqual([]);
  });

  it("never reach a group that no grant names", () => {
    const groups = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1 });
    const grant = fc.record({ role: fc.constantFrom(...ROLES), groups });
    fc.assert(
      fc.property(fc.array(grant), fc.constantFrom(...ROLES), (grants, role) => {
        const reach = reachOf(grants, role);
        expect(reach).not.toBe("everywhere");
        const named: string[] = grants.flatMap((one) => one.groups);
        expect([...reach].filter((group) => !named.includes(group))).toEqual([]);
      }),
    );
  });
});
