/** Who is in work where: the twin of the record's `leases`. */

import { heldAs, type HeldAs } from "../../record/queue-order.ts";

interface Lease {
  state: "held" | "leftOut";
  /** Its plan has a cap there. */
  capped: boolean;
}

interface OnScope {
  /** By target, its remediations with what they hold. */
  targets: Map<string, Map<string, Lease>>;
  /** Targets that are only left out of service. */
  onlyLeft: number;
}

const NONE: ReadonlyMap<string, Lease> = new Map<string, Lease>();

export class Leases {
  private readonly scopes = new Map<string, OnScope>();
  private readonly ofId = new Map<string, { target: string; scopes: readonly string[]; capped: ReadonlySet<string> }>();
  /** Ids that left a target out, by target. */
  private readonly left = new Map<string, Set<string>>();

  /** `capped`: those of the scopes on which its plan has a cap. */
  take(id: string, target: string, scopes: readonly string[], capped: ReadonlySet<string>): void {
    this.ofId.set(id, { target, scopes, capped });
    for (const scope of scopes) this.put(scope, target, id, { state: "held", capped: capped.has(scope) });
  }

  /** Gives all of them back. */
  release(id: string): void {
    const mine = this.ofId.get(id);
    if (mine === undefined) return;
    this.ofId.delete(id);
    this.left.get(mine.target)?.delete(id);
    for (const scope of mine.scopes) this.put(scope, mine.target, id, null);
  }

  /** The target goes on counting, but is not locked any more. */
  leaveOut(id: string): void {
    const mine = this.ofId.get(id);
    if (mine === undefined) return;
    for (const scope of mine.scopes) {
      const left = { state: "leftOut", capped: mine.capped.has(scope) } as const;
      this.put(scope, mine.target, id, scope.startsWith("target:") ? null : left);
    }
    this.left.set(mine.target, (this.left.get(mine.target) ?? new Set<string>()).add(id));
  }

  bringBack(target: string): void {
    for (const id of [...(this.left.get(target) ?? [])]) this.release(id);
  }

  /** Targets on a scope, as the remediation `id` of `target` sees them: what it was left out by is not in its own way. */
  count(scope: string, id: string, target: string): { all: number; left: number } {
    const on = this.scopes.get(scope);
    if (on === undefined) return { all: 0, left: 0 };
    const mine = on.targets.get(target);
    if (mine === undefined) return { all: on.targets.size, left: on.onlyLeft };
    const others = [...mine].some(([one, { state }]) => one !== id && state === "held");
    return {
      all: on.targets.size - (others ? 0 : 1),
      left: on.onlyLeft - (isOnlyLeft(mine) ? 1 : 0),
    };
  }

  /** The targets on a scope without what `id` holds, as the record's `heldTargets`. */
  heldOn(scope: string, id: string): Map<string, HeldAs> {
    const held = new Map<string, HeldAs>();
    for (const [target, leases] of this.scopes.get(scope)?.targets ?? []) {
      const others = [...leases].filter(([other]) => other !== id).map(([, lease]) => lease);
      if (others.length > 0) held.set(target, heldAs(others));
    }
    return held;
  }

  /** Other targets on a scope: in work, and only left out. */
  members(scope: string, id: string, target: string): { inWork: string[]; leftOut: string[] } {
    const [inWork, leftOut]: [string[], string[]] = [[], []];
    for (const [one, states] of this.scopes.get(scope)?.targets ?? []) {
      const others = [...states].filter(([other]) => other !== id);
      if (one === target || others.length === 0) continue;
      (others.every(([, { state }]) => state === "leftOut") ? leftOut : inWork).push(one);
    }
    return { inWork, leftOut };
  }

  private put(scope: string, target: string, id: string, lease: Lease | null): void {
    let on = this.scopes.get(scope);
    if (on === undefined) this.scopes.set(scope, (on = { targets: new Map(), onlyLeft: 0 }));
    const before = on.targets.get(target) ?? NONE;
    const after = new Map(before);
    if (lease === null) after.delete(id);
    else after.set(id, lease);
    on.onlyLeft += Number(isOnlyLeft(after)) - Number(isOnlyLeft(before));
    if (after.size > 0) on.targets.set(target, after);
    else on.targets.delete(target);
    if (on.targets.size === 0) this.scopes.delete(scope);
  }
}

function isOnlyLeft(leases: ReadonlyMap<string, Lease>): boolean {
  return leases.size > 0 && [...leases.values()].every(({ state }) => state === "leftOut");
}
