/**
 * The reconciliation: is anything lost, doubled or left behind between the record, Temporal and the world? Pure. What
 * it finds has a name each: the remediation, target or key, and the next command.
 */
import type { Facts } from "./facts.ts";
import { checkAlerts, checkFaults } from "./alerts.ts";
import { checkAdmissions, checkCaps } from "./caps.ts";
import { checkChains, checkPeople, checkRemediations } from "./episodes.ts";
import { checkEffects } from "./effects.ts";
import { checkLeases, checkServers, checkSilences, checkTargets, checkTickets } from "./left.ts";

export interface Exception {
  /** `person`: it ended in a named state that is left to a person, who was told. Everything else must not be. */
  kind: "lost" | "doubled" | "leftBehind" | "overLimit" | "person";
  /** What it is about: a remediation, a target, a key. */
  about: string;
  sentence: string;
  /** The next command. */
  next: string;
}

export interface Checked {
  check: string;
  /** What was counted, for people. */
  figures: string;
  exceptions: Exception[];
}

export interface Reconciliation {
  /** Nothing is lost, doubled, left behind or over its limit; what is left to a person is named. */
  ok: boolean;
  checks: Checked[];
}

const CHECKS: readonly ((facts: Facts) => Checked)[] = [
  checkAlerts,
  checkFaults,
  checkRemediations,
  checkEffects,
  checkChains,
  checkLeases,
  checkServers,
  checkTargets,
  checkTickets,
  checkSilences,
  checkCaps,
  checkAdmissions,
  checkPeople,
];

export function reconcile(facts: Facts): Reconciliation {
  const checks = CHECKS.map((check) => check(facts));
  return { ok: checks.every(({ exceptions }) => exceptions.every(({ kind }) => kind === "person")), checks };
}
