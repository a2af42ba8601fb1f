/** What strikes in a rehearsal: one host for each fault, and one that nothing strikes. */
import { FAULT_NAMES, type FaultName, type FaultSpec } from "../../lab/faults.ts";
import type { LabHost } from "../../lab/types.ts";
import { crowdOf, faultSpec } from "../demo/cast.ts";

export type Strike = FaultName | "none";

/** They strike a whole system or pool at once, so that one host's end would say something of all. */
const SHARED: readonly FaultName[] = ["metrics-down", "notifier-down", "harm"];

export const STRIKES: readonly Strike[] = ["none", ...FAULT_NAMES.filter((name) => !SHARED.includes(name))];

export interface Scenario {
  strike: Strike;
  host: string;
}

/**
 * Every seed gives other hosts, other disks and other times of the technician and the installer. `groups`: the only ones
 * that the runbook may touch; null: any, and then each host has one of its own, so that nobody waits behind a fault that
 * lasts a day.
 */
export function scenariosOf(
  strikes: readonly Strike[],
  seed: number,
  groups: readonly string[] | null,
): { hosts: LabHost[]; scenarios: Scenario[] } {
  const { hosts, failing } = crowdOf({ count: strikes.length, seed });
  const scenarios = strikes.map((strike, index) => ({ strike, host: failing[index] ?? "" }));
  for (const [index, { host }] of scenarios.entries()) {
    const found = hosts.find(({ id }) => id === host);
    const disk = found?.disks[0];
    if (found === undefined || disk === undefined)
      throw new Error(`the fleet has no host for ${scenarios.length} scenarios`);
    disk.failing = true;
    found.group = groups?.[0] ?? `rehearsal-${index + 1}`;
  }
  return { hosts, scenarios };
}

export function faultOf({ strike, host }: Scenario): FaultSpec | null {
  return strike === "none" ? null : { ...faultSpec(strike, host), host };
}
