/**
 * Those who wait for capacity, in virtual time: the twin of the record's `queue`. Whom a plan must wait behind is said by
 * the record's own functions (record/queue-order.ts); when a waiter is worth another look, by the scopes it is parked on.
 */
import type { CountedFacts } from "../contracts/facts.ts";
import { scopeOf } from "../contracts/ids.ts";
import type { Plan } from "../contracts/plan.ts";
import { pauseScopesOf } from "../contracts/scopes.ts";
import type { GuardrailResult } from "../contracts/verdict.ts";
import { behindWhom, fewerInWork, heldPlaces, rankOf, wholeScopes, type Queued } from "../record/queue-order.ts";
import { cappedScopes, leasedScopes, orderedScopes, queuedScopes } from "../record/scopes.ts";
import { targetKey, type History } from "./history/history.ts";
import { Line, type InLine, type Place } from "./line.ts";

/** One that may wait: a remediation with its plan. */
export interface Waits {
  id: string;
  number: number;
  /** When it was first put in the queue; null: never. */
  queuedSince: number | null;
}

interface Waiter<W> extends InLine, Queued {
  who: W;
  plan: Plan;
  /** ms since 1970; null: no time is known. */
  until: number | null;
  waitsFor: readonly string[];
}

export interface WaitingOptions<W> {
  history: History;
  now: () => number;
  /** Runs it at this moment, after what happens now. */
  soon: (run: () => void) => void;
  /** There may be room for it. */
  onWake: (who: W) => void;
}

export class Waiting<W extends Waits> {
  private readonly options: WaitingOptions<W>;
  private readonly line = new Line<Waiter<W>>();
  private readonly waiters = new Map<W, Waiter<W>>();
  private readonly woken = new Set<string>();

  constructor(options: WaitingOptions<W>) {
    this.options = options;
  }

  /** Somebody in the queue goes first, though the policy passes the plan and its scopes have room. */
  mustWait(who: W, plan: Plan): boolean {
    return this.behind(who, plan) !== null;
  }

  /** Behind one that keeps a scope as a `whole`, or behind those that need the `room` there is. */
  private behind(who: W, plan: Plan): "whole" | "room" | null {
    const place = this.placeOf(who, plan);
    const self = this.waiters.get(who) ?? null;
    if (!this.line.isKept(place, orderedScopes(plan), self)) return null;
    // As `keptWhole` of all that are ahead.
    if (this.line.isKept(place, wholeScopes(plan), self)) return "whole";
    // Nearly always the answer: whoever finds no room even without those before it keeps its scopes in any walk.
    for (const one of this.line.keepers(place, queuedScopes(plan), self)) {
      if (this.isAsleep(one) || this.fullOf(one).length > 0) return "room";
    }
    const ahead = this.line.ahead(place, self);
    for (const one of ahead) one.asleep = this.isAsleep(one);
    const { leases } = this.options.history;
    const blocker = behindWhom({ remediationId: who.id, plan }, ahead, (scope) => leases.heldOn(scope, who.id));
    return blocker === null ? null : "room";
  }

  /** Into the queue, or into it again. Answers until when it waits for a known time, ms since 1970; null: none is known. */
  enter(who: W, plan: Plan, counted: CountedFacts, results: readonly GuardrailResult[]): number | null {
    const { now } = this.options;
    const before = this.take(who);
    who.queuedSince ??= now();
    const waits = results.filter(({ outcome }) => outcome === "wait");
    const caps = [...cappedScopes(plan), ...fewerInWork(plan, counted, results)];
    const holds = heldPlaces(plan, results);
    const untils = waits.flatMap(({ until }) => (until === undefined ? [] : [Date.parse(until)]));
    const waiter: Waiter<W> = {
      ...{ who, plan, holds, ...this.placeOf(who, plan) },
      ...{ remediationId: who.id, target: targetKey(plan.target), caps, asleep: false, leases: leasedScopes(plan) },
      parkedOn: parkedOn(plan, counted, waits),
      until: untils.length === 0 ? null : Math.max(...untils),
      waitsFor: waits.flatMap((one) => one.waitsFor ?? []),
    };
    this.waiters.set(who, waiter);
    this.line.add(waiter);
    // What it keeps as before changes nothing for those behind it, unless it falls asleep.
    this.wake(this.isAsleep(waiter) ? before : before.filter((scope) => !holds.includes(scope)));
    return waiter.until;
  }

  leave(who: W): void {
    this.wake(this.take(who));
  }

  /** Out of the line. Answers what it has kept. */
  private take(who: W): readonly string[] {
    const waiter = this.waiters.get(who);
    if (waiter === undefined) return [];
    this.waiters.delete(who);
    this.line.remove(waiter);
    return waiter.holds;
  }

  /** Something on these scopes has changed: once for each moment and scope, after what happens now. */
  wake(scopes: readonly string[]): void {
    for (const scope of scopes) {
      if (this.woken.has(scope) || this.line.parkedOn(scope).length === 0) continue;
      this.woken.add(scope);
      this.options.soon(() => {
        this.woken.delete(scope);
        this.wakeScope(scope);
      });
    }
  }

  /** A breaker was reset. */
  wakeFrom(breaker: { scope: string }): void {
    this.wake([stormOf(breaker.scope), `latch:${breaker.scope}`]);
  }

  /**
   * In the order of the queue; after one that cannot go and keeps this scope, only those that do not queue there. Who cannot
   * go is parked on what is in its way.
   */
  private wakeScope(scope: string): void {
    let isKept = false;
    for (const waiter of [...this.line.parkedOn(scope)]) {
      const { who, plan } = waiter;
      if (this.waiters.get(who) !== waiter || (isKept && queuedScopes(plan).includes(scope))) continue;
      const full = this.fullOf(waiter);
      const behind = full.length > 0 ? null : this.behind(who, plan);
      if (full.length === 0 && behind === null) {
        this.options.onWake(who);
        continue;
      }
      this.line.park(waiter, full.length > 0 ? full : orderedScopes(plan));
      // It keeps its place here; one that waits for a whole scope keeps only those that are kept so.
      const keeps = behind === "whole" ? wholeScopes(plan) : waiter.holds;
      if (keeps.includes(scope) && waiter.holds.includes(scope)) isKept = true;
    }
  }

  private fullOf({ who, plan, target }: Waiter<W>): string[] {
    const { leases } = this.options.history;
    const isFull = (cap: { scope: string; max: number }): boolean =>
      leases.count(cap.scope, who.id, target).all >= cap.max;
    return cappedScopes(plan).flatMap((cap) => (isFull(cap) ? [cap.scope] : []));
  }

  private placeOf({ queuedSince, number }: Waits, { severity }: Plan): Place {
    return { rank: rankOf(queuedSince ?? this.options.now(), severity), seq: number };
  }

  /** As the record's `candidates`: nothing is paused and nobody else holds a target in a recording. */
  private isAsleep({ until, plan, waitsFor }: Waiter<W>): boolean {
    const { history, now } = this.options;
    if (until !== null && until > now()) return true;
    return history.breakers.some(({ kind, scope }) =>
      kind === "storm"
        ? pauseScopesOf(plan).includes(scope)
        : kind === "correlation" && waitsFor.includes(`latch:${scope}`),
    );
  }
}

/** The scopes of which one must change: what is full, what is latched, who is in work around it; else its whole queue. */
function parkedOn(plan: Plan, { held }: CountedFacts, waits: readonly GuardrailResult[]): string[] {
  const full = cappedScopes(plan).filter(({ scope, max }) => (held[scope] ?? 0) >= max);
  const around = waits.flatMap(({ code, saw, waitsFor = [] }) => [
    ...waitsFor,
    ...(code === "STORM" ? scopesIn(saw).map(stormOf) : []),
    ...(code === "MIN_HEALTHY" ? [scopeOf.group(plan.target.group)] : []),
    ...(code === "DEPENDENCY" ? scopesIn(saw) : []),
  ]);
  const parked = [...new Set([...full.map(({ scope }) => scope), ...around])];
  return parked.length > 0 || waits.length > 0 ? parked : orderedScopes(plan);
}

function stormOf(scope: string): string {
  return `storm of ${scope}`;
}

/** A result of several limits keeps what each saw. */
function scopesIn(saw: GuardrailResult["saw"]): string[] {
  const all = Array.isArray(saw["all"]) ? saw["all"] : [saw];
  return all.flatMap((one) =>
    typeof one === "object" && one !== null && "scope" in one && typeof one["scope"] === "string" ? [one["scope"]] : [],
  );
}
