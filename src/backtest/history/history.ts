/**
 * What the record would hold, in memory and in virtual time: the twin of the tables that `record/counted*.ts` counts. A
 * test gives both the same history and compares every fact. Times are ms since 1970 and never go back.
 */
import type { Breaker, OutsideHealth, Pause, StandingApproval } from "../../contracts/facts.ts";
import type { FaultKey } from "../../contracts/alert.ts";
import type { Outcome } from "../../contracts/remediation.ts";
import type { Plan } from "../../contracts/plan.ts";
import { UNKNOWN_KIND, type TargetRef } from "../../contracts/target.ts";
import type { GuardrailResult } from "../../contracts/verdict.ts";
import { cappedScopes, leasedScopes } from "../../record/scopes.ts";
import { Admissions, iso, type Admission } from "./admissions.ts";
import { Leases } from "./leases.ts";
import { Seen, Times } from "./windows.ts";

export interface OpenRemediation {
  id: string;
  target: string;
  runbook: string;
  group: string;
  fingerprints: readonly string[];
}

interface Opened extends OpenRemediation {
  /** When the first of its alerts came; null: none did. */
  alertedAt: number | null;
}

export interface ReceivedFault {
  key: FaultKey;
  fingerprint: string;
  /** null: no runbook matches, so it is nobody's. */
  target: (TargetRef & { group: string; places?: readonly string[] }) | null;
}

interface Approval {
  person: string;
  planHash: string;
  at: number;
  expiresAt: number;
}

const HOUR_MS = 3_600_000;
/** Nothing younger than this is forgotten, whatever the plans count. */
const LEAST_KEPT_MS = 48 * HOUR_MS;
const FAILURES: readonly Outcome[] = ["failed", "escalated"];

export function targetKey({ kind, id }: TargetRef): string {
  return `${kind} ${id}`;
}

export class History {
  readonly leases = new Leases();
  readonly admissions = new Keyed(() => new Admissions());
  readonly firings = new Keyed(() => new Times());
  readonly failures = new Keyed(() => new Times());
  /** Targets with new alerts: by group, and of all under the empty name. */
  readonly alerted = new Keyed(() => new Seen());
  /** Targets with new alerts, by the scope of each of their places. */
  readonly alertedIn = new Keyed(() => new Seen());
  readonly breakers: Breaker[] = [];
  readonly resets = new Map<string, number>();
  readonly pauses: Pause[] = [];
  readonly standing: StandingApproval[];
  readonly outside = new Map<string, OutsideHealth>();
  private readonly open = new Map<string, Opened>();
  private readonly openOnTarget = new Map<string, Set<string>>();
  private readonly admitted = new Map<string, Admission>();
  private readonly approvals = new Map<string, Approval[]>();
  private readonly faults = new Map<FaultKey, number>();
  private keptMs = LEAST_KEPT_MS;

  constructor(standing: readonly Omit<StandingApproval, "id" | "used">[] = []) {
    this.standing = standing.map((one, index) => ({ ...one, id: `declared-${index}`, used: 0 }));
  }

  /** False: the fault is known, and this a repeat. */
  receive({ key, fingerprint, target }: ReceivedFault, at: number): boolean {
    const known = this.faults.has(key);
    this.faults.set(key, at);
    if (known) return false;
    this.firings.of(fingerprint).add(at);
    if (target === null || target.kind === UNKNOWN_KIND) return true;
    this.alerted.of("").add(targetKey(target), at);
    this.alerted.of(target.group).add(targetKey(target), at);
    for (const place of target.places ?? []) this.alertedIn.of(place).add(targetKey(target), at);
    return true;
  }

  opened(remediation: OpenRemediation): void {
    const times = remediation.fingerprints.map((one) => this.firings.of(one).last() ?? Infinity);
    const first = Math.min(...times);
    this.open.set(remediation.id, { ...remediation, alertedAt: Number.isFinite(first) ? first : null });
    const there = this.openOnTarget.get(remediation.target) ?? new Set<string>();
    this.openOnTarget.set(remediation.target, there.add(remediation.id));
  }

  remediation(id: string): Opened | null {
    return this.open.get(id) ?? null;
  }

  openElsewhere(target: string, id: string): string | null {
    return [...(this.openOnTarget.get(target) ?? [])].find((one) => one !== id) ?? null;
  }

  /** A person's approval counts once: repeated while it stands, it changes nothing. */
  approve(id: string, approval: Approval): void {
    if (this.approvedBy(id, approval.planHash, approval.at).includes(approval.person)) return;
    this.approvals.set(id, [...(this.approvals.get(id) ?? []), approval]);
  }

  approvedBy(id: string, planHash: string, now: number): string[] {
    const counts = (one: Approval): boolean => one.planHash === planHash && one.expiresAt > now;
    return (this.approvals.get(id) ?? []).filter(counts).map((one) => one.person);
  }

  /** Takes the leases and consumes what is counted; again for a new plan of one that was admitted before. */
  admit(id: string, plan: Plan, at: number, results: readonly GuardrailResult[] = []): void {
    const target = targetKey(plan.target);
    this.leases.take(id, target, leasedScopes(plan), new Set(cappedScopes(plan).map(({ scope }) => scope)));
    const before = this.admitted.get(id);
    const what = { runbook: plan.runbook, group: plan.target.group, cost: plan.limits.shared?.cost.estimate ?? 0 };
    if (before === undefined) this.book({ id, target, ...what, at, acted: false, released: false });
    else this.recost(before, what.cost);
    const usesStanding = results.some((one) => one.code === "STANDING_APPROVAL" && one.outcome === "pass");
    const standing = usesStanding ? this.standingFor(plan, at) : null;
    if (standing !== null) standing.used += 1;
  }

  private recost(admission: Admission, cost: number): void {
    admission.cost = cost;
    for (const key of keysOf(admission)) this.admissions.of(key).recount();
  }

  /** Of one that was admitted and is not closed. */
  admission(id: string): Admission | null {
    return this.admitted.get(id) ?? null;
  }

  private book(admission: Admission): void {
    this.admitted.set(admission.id, admission);
    for (const key of keysOf(admission)) this.admissions.of(key).add(admission);
  }

  /** Its first effect begins. */
  acted(id: string): void {
    const admission = this.admitted.get(id);
    if (admission !== undefined) admission.acted = true;
  }

  /** `leftOut`: its target was taken out of service and not brought back. */
  close(id: string, { outcome, leftOut }: { outcome: Outcome; leftOut: boolean }, at: number): void {
    const remediation = this.open.get(id);
    if (remediation === undefined) return;
    this.open.delete(id);
    this.approvals.delete(id);
    const there = this.openOnTarget.get(remediation.target);
    there?.delete(id);
    if (there?.size === 0) this.openOnTarget.delete(remediation.target);
    if (leftOut) this.leases.leaveOut(id);
    else this.leases.release(id);
    if (outcome === "healed" && !leftOut) this.leases.bringBack(remediation.target);
    const admission = this.admitted.get(id);
    if (admission === undefined) return;
    this.admitted.delete(id);
    admission.released = true;
    if (!admission.acted) for (const key of keysOf(admission)) this.admissions.of(key).remove(admission);
    else if (FAILURES.includes(outcome)) this.failures.of(`${remediation.runbook} ${remediation.group}`).add(at);
  }

  standingFor({ runbook, runbookHash, target }: Plan, now: number): StandingApproval | null {
    const covers = this.standing.filter(
      (one) =>
        one.runbook === runbook &&
        one.runbookHash === runbookHash &&
        one.group === target.group &&
        Date.parse(one.expiresAt) > now &&
        one.used < one.maxCount,
    );
    return covers.sort((a, b) => order(a.expiresAt, b.expiresAt) || order(a.id, b.id))[0] ?? null;
  }

  /** Latches what these results trip; answers what was not open before. */
  trip(results: readonly GuardrailResult[], at: number): Breaker[] {
    const tripped: Breaker[] = [];
    for (const { trips = [], detail } of results) {
      for (const { kind, scope } of trips) {
        if (this.breakers.some((one) => one.kind === kind && one.scope === scope)) continue;
        const breaker: Breaker = { id: `${kind}-${scope}-${at}`, kind, scope, reason: detail, trippedAt: iso(at) };
        this.breakers.push(breaker);
        tripped.push(breaker);
      }
    }
    return tripped;
  }

  reset({ id, kind, scope }: Breaker, at: number): void {
    this.breakers.splice(0, this.breakers.length, ...this.breakers.filter((one) => one.id !== id));
    this.resets.set(`${kind} ${scope}`, at);
  }

  /** What this plan counts is not forgotten before its windows are over. */
  keepFor({ limits: { attempts, rate, shared, surroundings } }: Plan): void {
    const windows = [
      attempts.windowMs,
      rate?.windowMs ?? 0,
      shared?.target.attempts?.windowMs ?? 0,
      shared?.flapping?.windowMs ?? 0,
      shared?.errorBudget?.windowMs ?? 0,
      ...(shared?.rates ?? []).map((one) => one.windowMs),
      ...(shared?.cost.budgets ?? []).map((one) => one.windowMs),
      ...(shared?.storms ?? []).map((one) => one.windowMs),
      ...(surroundings?.correlation?.parents ?? []).map((one) => one.windowMs),
    ];
    this.keptMs = Math.max(this.keptMs, ...windows);
  }

  /** Memory stays flat: what no window can reach is dropped. Now and then is enough. */
  forget(now: number): void {
    const since = now - this.keptMs;
    for (const [key, at] of this.faults) if (at <= since) this.faults.delete(key);
    this.firings.sweep((times) => times.forget(since));
    this.failures.sweep((times) => times.forget(since));
    this.alerted.sweep((seen) => seen.forget(since));
    this.alertedIn.sweep((seen) => seen.forget(since));
    this.admissions.sweep((admissions) => admissions.forget(since));
  }
}

function keysOf({ target, runbook, group }: Admission): string[] {
  return [
    admissionsOf.target(target),
    admissionsOf.fix(target, runbook),
    admissionsOf.runbook(runbook),
    admissionsOf.group(group),
    admissionsOf.all,
  ];
}

/** Under which names admissions are counted. */
export const admissionsOf = {
  target: (target: string) => `target ${target}`,
  fix: (target: string, runbook: string) => `fix ${target} ${runbook}`,
  runbook: (runbook: string) => `runbook ${runbook}`,
  group: (group: string) => `group ${group}`,
  all: "all",
};

/** Made when first asked for. */
class Keyed<T> {
  private readonly byKey = new Map<string, T>();
  private readonly make: () => T;

  constructor(make: () => T) {
    this.make = make;
  }

  of(key: string): T {
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const made = this.make();
    this.byKey.set(key, made);
    return made;
  }

  /** Drops those of which `isEmpty` says that nothing is left. */
  sweep(isEmpty: (one: T) => boolean | void): void {
    for (const [key, one] of this.byKey) if (isEmpty(one) === true) this.byKey.delete(key);
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
