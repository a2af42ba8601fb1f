/** What a rehearsal showed: how each scenario ended, what must never happen, and whether it passed. Pure. */
import type { Outcome } from "../../contracts/remediation.ts";
import { exposed, maxDrainedAtOnce, violations } from "../../lab/invariants.ts";
import type { World } from "../../lab/world.ts";
import type { Reconciliation } from "../reconcile/reconcile.ts";
import { STRIKES, type Scenario } from "./scenarios.ts";

export interface Ended extends Scenario {
  /** null: it was still open when the rehearsal gave up. */
  outcome: Outcome | null;
  needsHuman: boolean;
  detail: string;
  remediationId: string | null;
}

export interface SeedResult {
  seed: number;
  seconds: number;
  ended: Ended[];
  /** Sentences: a double effect, the last server of a pool out, something left behind. */
  broken: string[];
}

export interface Rehearsal {
  runbook: string;
  /** In the folder that it comes from. */
  runbookHash: string;
  /** What the lab's own stood in for: `probes.service.ready`. */
  standIns: string[];
  seeds: SeedResult[];
  passed: boolean;
  /** One sentence, as it is attested. */
  summary: string;
}

/** null: as it must be. Under a fault any end with a name will do; where nothing strikes it must heal. */
export function whyNotSettled({ strike, outcome, detail }: Ended): string | null {
  switch (outcome) {
    case null:
      return `it did not come to an end: ${detail}`;
    case "failed":
      return `a bug: ${detail}`;
    case "observed":
      return `it only observed: ${detail}`;
    default:
      return strike === "none" && outcome !== "healed" ? `nothing struck, and it was ${outcome}: ${detail}` : null;
  }
}

export function brokenIn(world: World, { checks }: Reconciliation): string[] {
  const left = checks.flatMap(({ check, exceptions }) =>
    exceptions
      .filter(({ kind }) => kind !== "person")
      .map(({ kind, about, sentence }) => `${check}: ${kind} ${about}: ${sentence}`),
  );
  return [
    ...violations(world),
    ...emptied(world),
    ...exposed(world).map((host) => `${host} takes traffic and does not serve`),
    ...left,
  ];
}

function emptied(world: World): string[] {
  return [...world.traffic.pools.values()]
    .filter(({ name, servers }) => servers.length > 0 && maxDrainedAtOnce(world, name) >= servers.length)
    .map(({ name, servers }) => `all ${servers.length} servers of pool ${name} were out at one time`);
}

export function rehearsalOf(
  about: Pick<Rehearsal, "runbook" | "runbookHash" | "standIns">,
  seeds: SeedResult[],
): Rehearsal {
  const all = seeds.flatMap(({ ended }) => ended);
  const unsettled = all.filter((one) => whyNotSettled(one) !== null).length;
  const broken = seeds.reduce((sum, seed) => sum + seed.broken.length, 0);
  const passed = all.length > 0 && unsettled === 0 && broken === 0;
  const outcomes = [...Map.groupBy(all, ({ outcome }) => outcome ?? "open")].map(
    ([name, of]) => `${of.length} ${name}`,
  );
  const wrong = passed ? "" : `; ${unsettled} not settled, ${broken} invariants broken`;
  const struck = [...new Set(all.map(({ strike }) => strike))];
  const faults = struck.length === STRIKES.length ? "every fault" : struck.join(", ");
  const ran = `${all.length} runs in the lab (${faults}), seeds ${seeds.map(({ seed }) => seed).join(", ")}`;
  const standIns = about.standIns.length === 0 ? "" : `; the lab stood in for ${about.standIns.join(", ")}`;
  return { ...about, seeds, passed, summary: `${ran}: ${outcomes.join(", ")}${wrong}${standIns}` };
}
