/**
 * The stages of a remediation in virtual time: confirm, decide, approve, admit, act, close. Every decision is that of
 * `src/policy`; only what people and the world would have done is assumed.
 */
import type { Alert } from "../contracts/alert.ts";
import type { CountedFacts } from "../contracts/facts.ts";
import { scopeOf } from "../contracts/ids.ts";
import { assertNever } from "../contracts/json.ts";
import type { Plan } from "../contracts/plan.ts";
import type { Outcome } from "../contracts/remediation.ts";
import type { GuardrailResult, ReasonCode } from "../contracts/verdict.ts";
import { resultOf, type Matched } from "../catalogue/classify.ts";
import { consider, considerSketch, type Considered } from "../catalogue/consider.ts";
import { decide, evaluateCounted } from "../policy/verdict.ts";
import { heldPlaces, rankOf } from "../record/queue-order.ts";
import { cappedScopes, leasedScopes, queuedScopes } from "../record/scopes.ts";
import type { Fate, FateKind } from "./fate.ts";
import { iso } from "./history/admissions.ts";
import { countedFrom } from "./history/counted.ts";
import { targetKey } from "./history/history.ts";
import { Kept } from "./kept.ts";
import { Line, type InLine } from "./line.ts";
import type { Fault, Inbox, World } from "./world.ts";

type Planned = Extract<Considered, { kind: "planned" }>;

export interface Episode {
  id: string;
  number: number;
  inbox: Inbox;
  joinKey: string;
  /** null: nobody can name the target or the runbook. */
  matched: Matched | null;
  /** What it stands at: a timer of an earlier turn does nothing. */
  turn: number;
  acting: boolean;
  approving: boolean;
  planned: Planned | null;
  /** The first time it was put in the queue. */
  queued: { since: number; seq: number } | null;
  waiter: Waiter | null;
  asked: number;
  waitedFor: Set<ReasonCode>;
  waitedMs: number;
  last: { codes: ReasonCode[]; detail: string };
}

interface Waiter extends InLine {
  episode: Episode;
}

/** A waiter without a known time looks for itself this often, as the workflow does. */
const LOOK_AGAIN_MS = 6 * 3_600_000;
const LEAST_WAIT_MS = 1_000;
/** Slim, a plan is about a kilobyte. */
const KEPT_PLANS = 30_000;
const KEPT_RUNGS = 1_000;
/** Who approves, when it is assumed that somebody does. */
const ASSUMED_PERSON = "assumed";

export class Stages {
  readonly tripped: { scope: string; reason: string; trippedAt: string }[] = [];
  private readonly world: World;
  private readonly plans = new Kept<Considered>(KEPT_PLANS);
  private readonly rungs = new Kept<Plan["rungs"]>(KEPT_RUNGS);
  private readonly line = new Line<Waiter>();
  private readonly woken = new Set<string>();
  private numbers = 0;

  constructor(world: World) {
    this.world = world;
  }

  open(inbox: Inbox, first: Fault): Episode {
    const { world } = this;
    const classified = world.classify(first.alert);
    const number = ++this.numbers;
    const matched = classified.kind === "matched" ? classified : null;
    const episode: Episode = {
      ...{ id: `r${number}`, number, inbox, joinKey: first.joinKey, matched, turn: 0, acting: false, approving: false },
      ...{ planned: null, queued: null, waiter: null, asked: 0, waitedFor: new Set(), waitedMs: 0 },
      last: { codes: [], detail: "" },
    };
    const fingerprints = faultsOf({ inbox, joinKey: first.joinKey }).map(({ alert }) => alert.fingerprint);
    world.history.opened({
      id: episode.id,
      target: inbox.target,
      runbook: matched?.runbook.name ?? "",
      group: matched?.target.group ?? "",
      fingerprints: [...new Set(fingerprints)],
    });
    this.next(episode, world.now, () => this.decide(episode));
    return episode;
  }

  /** Before the first effect, the end of its alerts ends it. */
  resolved(episode: Episode): void {
    if (!episode.acting && firing(episode).length === 0) this.close(episode, "recovered", "recovered");
  }

  /** What it is in the middle of. */
  standing(episode: Episode): Fate {
    return this.fateOf(episode, episode.acting ? "acted" : episode.approving ? "approving" : "waiting");
  }

  private next(episode: Episode, at: number, run: () => void): void {
    const turn = ++episode.turn;
    this.world.at(at, () => {
      if (episode.turn === turn) run();
    });
  }

  private decide(episode: Episode): void {
    const { world } = this;
    episode.approving = false;
    const alerts = firing(episode);
    const { matched } = episode;
    if (alerts.length === 0) return void this.close(episode, "recovered", "recovered");
    if (matched === null) return void this.refuse(episode, [this.unmatched(alerts[0] as Alert)]);
    const considered = this.consider(matched, alerts);
    if (considered.kind === "noPlan") {
      episode.last = { codes: [considered.code], detail: considered.detail };
      return void this.close(episode, "refused", "refused");
    }
    episode.planned = considered;
    const { plan } = considered;
    const now = iso(world.now);
    const counted = this.counted(episode, considered);
    const reading = { probe: plan.probe.name, state: "unhealthy" as const, reason: "assumed: its alert fires" };
    const verdict = decide(plan, { ...considered.facts, now, reading: { ...reading, measured: {}, at: now }, counted });
    note(episode, verdict.results);
    world.options.onVerdict?.(alerts[0] as Alert, verdict);
    if (verdict.outcome !== "observe") this.trip(verdict.results);
    switch (verdict.outcome) {
      case "observe":
        return void this.close(episode, "observed", "observed");
      case "refuse":
        return void this.close(episode, "refused", "refused");
      case "review":
        return void this.ask(episode, plan, considered.planHash);
      case "act":
      case "wait":
        return void this.admit(episode, considered);
      default:
        return assertNever(verdict.outcome, "verdict");
    }
  }

  private unmatched(alert: Alert): GuardrailResult {
    const classified = this.world.classify(alert);
    if (classified.kind === "matched") throw new Error("a matched alert has a runbook");
    return resultOf(this.world.options.catalogue, alert, classified);
  }

  private consider(matched: Matched, alerts: Alert[]): Considered {
    const { catalogue, assumptions } = this.world.options;
    return this.plans.get(alerts.map((alert) => `${alert.source} ${alert.fingerprint}`).join("|"), () => {
      const evidence = assumptions.evidence(matched.runbook.name, alerts[0] as Alert);
      const considered =
        evidence === null ? considerSketch(catalogue, matched, alerts) : consider(catalogue, matched, alerts, evidence);
      if (considered.kind === "noPlan") return considered;
      this.world.history.keepFor(considered.plan);
      return { ...considered, plan: this.slim(considered.plan) };
    });
  }

  /** Without what only the interpreter reads; the steps of one runbook are then the same for every target. */
  private slim(plan: Plan): Plan {
    const rungs = plan.rungs.map((rung) => ({ ...rung, steps: rung.steps.map((step) => ({ ...step, with: {} })) }));
    const kept = this.rungs.get(`${plan.runbookHash} ${JSON.stringify(rungs)}`, () => rungs);
    return { ...plan, rungs: kept, probe: { ...plan.probe, with: {} }, collected: {} };
  }

  private counted(episode: Episode, { plan, planHash }: Planned): CountedFacts {
    const { history, now } = this.world;
    if ((plan.limits.shared?.minHealthy?.outsideMaxAgeMs ?? null) !== null) {
      const { kind, group } = plan.target;
      const detail = "assumed: a member with a firing alert is not healthy";
      const unhealthy = this.world.sickOf(kind, group);
      history.outside.set(`${kind} ${group}`, { at: iso(now), unhealthy, detail });
    }
    return countedFrom({ history, id: episode.id, plan, planHash, now });
  }

  private trip(results: readonly GuardrailResult[]): void {
    const { world } = this;
    const { resetAfterMs } = world.options.assumptions;
    for (const breaker of world.history.trip(results, world.now)) {
      this.tripped.push(breaker);
      if (resetAfterMs === null) continue;
      world.at(world.now + resetAfterMs, () => {
        world.history.reset(breaker, world.now);
        this.wake([stormOf(breaker.scope), latchOf(breaker.scope)]);
      });
    }
  }

  private ask(episode: Episode, plan: Plan, planHash: string): void {
    const { world } = this;
    const { approveAfterMs } = world.options.assumptions;
    const { expiresMs } = plan.approval;
    episode.asked += 1;
    episode.approving = true;
    this.leaveLine(episode);
    if (approveAfterMs === null || approveAfterMs >= expiresMs) {
      return void this.next(episode, world.now + expiresMs, () => this.close(episode, "escalated", "notApproved"));
    }
    this.next(episode, world.now + approveAfterMs, () => {
      const approval = { person: ASSUMED_PERSON, planHash, at: world.now, expiresAt: world.now + expiresMs };
      world.history.approve(episode.id, approval);
      this.decide(episode);
    });
  }

  private admit(episode: Episode, planned: Planned): void {
    const { world } = this;
    const { plan, planHash } = planned;
    const counted = this.counted(episode, planned);
    const results = evaluateCounted(plan, { counted, now: iso(world.now), planHash, modes: planned.facts.modes });
    this.trip(results);
    if (results.some(({ outcome }) => outcome !== "pass" && outcome !== "wait"))
      return void this.refuse(episode, results);
    const waits = results.filter(({ outcome }) => outcome === "wait");
    const full = cappedScopes(plan).filter(({ scope, max }) => (counted.held[scope] ?? 0) >= max);
    const place = episode.queued ?? { since: world.now, seq: episode.number };
    const rank = rankOf(place.since, plan.severity);
    const blocker = this.line.blocker(rank, place.seq, queuedScopes(plan));
    const isBlocked = blocker !== null && blocker.episode !== episode;
    if (waits.length === 0 && full.length === 0 && !isBlocked) return void this.act(episode, planned, results);
    this.enqueue(episode, plan, results, { place, rank, full: full.map(({ scope }) => scope) });
  }

  private enqueue(
    episode: Episode,
    plan: Plan,
    results: GuardrailResult[],
    { place, rank, full }: { place: { since: number; seq: number }; rank: number; full: string[] },
  ): void {
    const { now } = this.world;
    const waits = results.filter(({ outcome }) => outcome === "wait");
    note(episode, results);
    for (const { code } of waits) episode.waitedFor.add(code);
    this.leaveLine(episode);
    episode.queued = place;
    const storms = waits.flatMap(({ code, saw }) => (code === "STORM" ? scopesIn(saw).map(stormOf) : []));
    const healths = waits.some(({ code }) => code === "MIN_HEALTHY") ? [scopeOf.group(plan.target.group)] : [];
    const around = waits.flatMap(({ code, saw, waitsFor = [] }) => [
      ...waitsFor,
      ...(code === "DEPENDENCY" ? scopesIn(saw) : []),
    ]);
    const parked = [...new Set([...full, ...storms, ...healths, ...around])];
    const parkedOn = parked.length > 0 ? parked : waits.length > 0 ? [] : queuedScopes(plan);
    episode.waiter = { episode, rank, seq: place.seq, holds: heldPlaces(plan, results), parkedOn };
    this.line.add(episode.waiter);
    const untils = waits.flatMap(({ until }) => (until === undefined ? [] : [Date.parse(until)]));
    const wait = untils.length === 0 ? LOOK_AGAIN_MS : Math.max(LEAST_WAIT_MS, Math.max(...untils) - now);
    this.next(episode, now + wait, () => this.decide(episode));
  }

  private act(episode: Episode, { plan }: Planned, results: GuardrailResult[]): void {
    const { world } = this;
    const { history, options, now } = world;
    if (episode.queued !== null) episode.waitedMs += now - episode.queued.since;
    note(episode, results);
    this.leaveLine(episode);
    episode.acting = true;
    history.admit(episode.id, plan, now, results);
    history.acted(episode.id);
    const fate = this.fateOf(episode, "acted");
    for (const fault of faultsOf(episode)) world.tell(fault, fate);
    this.next(episode, now + options.assumptions.workMs(plan.runbook), () => this.close(episode, "healed", "acted"));
  }

  private refuse(episode: Episode, results: GuardrailResult[]): void {
    note(episode, results);
    this.close(episode, "refused", "refused");
  }

  private close(episode: Episode, outcome: Outcome, kind: FateKind): void {
    const { world } = this;
    const { planned, queued } = episode;
    episode.turn += 1;
    if (queued !== null && !episode.acting) episode.waitedMs += world.now - queued.since;
    const freed = episode.acting && planned !== null ? leasedScopes(planned.plan) : [];
    this.leaveLine(episode);
    world.history.close(episode.id, { outcome, leftOut: false }, world.now);
    this.wake(freed);
    world.settle(episode.inbox, episode, this.fateOf(episode, kind));
  }

  private leaveLine(episode: Episode): void {
    const { waiter } = episode;
    if (waiter === null) return;
    episode.waiter = null;
    this.line.remove(waiter);
    this.wake(waiter.holds);
  }

  /** Once for each moment and scope, after what happens now. */
  private wake(scopes: readonly string[]): void {
    for (const scope of scopes) {
      if (this.woken.has(scope) || this.line.parkedOn(scope).length === 0) continue;
      this.woken.add(scope);
      this.world.at(this.world.now, () => {
        this.woken.delete(scope);
        this.wakeScope(scope);
      });
    }
  }

  /** In the order of the queue, until one still finds this scope full. */
  private wakeScope(scope: string): void {
    for (const { episode } of [...this.line.parkedOn(scope)]) {
      if (episode.waiter?.parkedOn.includes(scope) !== true || episode.planned === null) continue;
      const { plan } = episode.planned;
      const target = targetKey(plan.target);
      const isFull = (cap: { scope: string; max: number }): boolean =>
        this.world.history.leases.count(cap.scope, episode.id, target).all >= cap.max;
      const caps = cappedScopes(plan).filter(isFull);
      if (caps.some((cap) => cap.scope === scope)) return;
      if (caps.length === 0) this.decide(episode);
    }
  }

  private fateOf(episode: Episode, kind: FateKind): Fate {
    const { matched, last, asked, waitedFor, waitedMs, number, inbox } = episode;
    return {
      kind,
      runbook: matched?.runbook.name ?? null,
      target: inbox.target.replace(" ", "/"),
      group: matched?.target.group ?? null,
      codes: kind === "acted" || kind === "recovered" ? [] : last.codes,
      detail: kind === "acted" || kind === "recovered" ? "" : last.detail,
      asked,
      waitedFor: [...waitedFor],
      waitedMs,
      episode: number,
    };
  }
}

function faultsOf({ inbox, joinKey }: Pick<Episode, "inbox" | "joinKey">): Fault[] {
  return [...inbox.faults.values()].filter((fault) => fault.joinKey === joinKey);
}

function firing(episode: Episode): Alert[] {
  return faultsOf(episode).flatMap((fault) => (fault.resolved ? [] : [fault.alert]));
}

function note(episode: Episode, results: readonly GuardrailResult[]): void {
  const against = results.filter(({ outcome }) => outcome !== "pass");
  const codes = [...new Set(against.map(({ code }) => code))];
  episode.last = { codes, detail: against.map(({ detail }) => detail).join("; ") };
}

function stormOf(scope: string): string {
  return `storm of ${scope}`;
}

/** As the correlation guardrail names what it waits for. */
function latchOf(scope: string): string {
  return `latch:${scope}`;
}

/** A result of several limits keeps what each saw. */
function scopesIn(saw: GuardrailResult["saw"]): string[] {
  const all = Array.isArray(saw["all"]) ? saw["all"] : [saw];
  return all.flatMap((one) =>
    typeof one === "object" && one !== null && "scope" in one && typeof one["scope"] === "string" ? [one["scope"]] : [],
  );
}
