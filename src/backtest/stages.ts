/**
 * The stages of a remediation in virtual time: confirm, decide, approve, admit, act, close. Every decision is that of
 * `src/policy`; only what people and the world would have done is assumed.
 */
import type { Alert } from "../contracts/alert.ts";
import type { CountedFacts } from "../contracts/facts.ts";
import { assertNever } from "../contracts/json.ts";
import { quorumOf } from "../contracts/ballot.ts";
import type { Plan } from "../contracts/plan.ts";
import type { Outcome } from "../contracts/remediation.ts";
import type { GuardrailResult, ReasonCode } from "../contracts/verdict.ts";
import { resultOf, type Matched } from "../catalogue/classify.ts";
import type { Considered } from "../catalogue/consider.ts";
import { countedResults, decide, evaluateCounted } from "../policy/verdict.ts";
import { cappedScopes, leasedScopes } from "../record/scopes.ts";
import type { Fate, FateKind } from "./fate.ts";
import { iso } from "./history/admissions.ts";
import { countedFrom } from "./history/counted.ts";
import { Waiting, type Waits } from "./waiting.ts";
import type { Fault, Inbox, World } from "./world.ts";

type Planned = Extract<Considered, { kind: "planned" }>;

export interface Episode extends Waits {
  inbox: Inbox;
  joinKey: string;
  /** null: nobody can name the target or the runbook. */
  matched: Matched | null;
  /** What it stands at: a timer of an earlier turn does nothing. */
  turn: number;
  acting: boolean;
  approving: boolean;
  planned: Planned | null;
  /** What was considered last, and about which alerts. */
  considered: { alerts: Alert[]; what: Considered } | null;
  asked: number;
  waitedFor: Set<ReasonCode>;
  waitedMs: number;
  last: { codes: ReasonCode[]; detail: string };
}

/** A waiter without a known time looks for itself this often, as the workflow does. */
const LOOK_AGAIN_MS = 6 * 3_600_000;
const LEAST_WAIT_MS = 1_000;
/** Who approve, when it is assumed that somebody does: as many as the plan needs. */
function assumedPeople(quorum: number): string[] {
  return Array.from({ length: quorum }, (_, index) => (index === 0 ? "assumed" : `assumed ${index + 1}`));
}

export class Stages {
  readonly tripped: { scope: string; reason: string; trippedAt: string }[] = [];
  private readonly world: World;
  private readonly waiting: Waiting<Episode>;
  private numbers = 0;

  constructor(world: World) {
    this.world = world;
    this.waiting = new Waiting<Episode>({
      history: world.history,
      now: () => world.now,
      soon: (run) => world.at(world.now, run),
      onWake: (episode) => this.decide(episode),
    });
  }

  open(inbox: Inbox, first: Fault): Episode {
    const { world } = this;
    const classified = world.classify(first.alert);
    const number = ++this.numbers;
    const matched = classified.kind === "matched" ? classified : null;
    const episode: Episode = {
      ...{ id: `r${number}`, number, inbox, joinKey: first.joinKey, matched, turn: 0, acting: false, approving: false },
      ...{
        planned: null,
        considered: null,
        queuedSince: null,
        asked: 0,
        waitedFor: new Set<ReasonCode>(),
        waitedMs: 0,
      },
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
    return fateOf(episode, episode.acting ? "acted" : episode.approving ? "approving" : "waiting");
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
    const considered = this.consider(episode, matched, alerts);
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
    const tripped = verdict.outcome !== "observe" && this.trip(verdict.results);
    switch (verdict.outcome) {
      case "observe":
        return void this.close(episode, "observed", "observed");
      case "refuse":
        return void this.close(episode, "refused", "refused");
      case "review":
        return void this.ask(episode, plan, considered.planHash);
      case "act":
      case "wait":
        // Admission counts again; where nothing has happened since, it would count the same.
        if (tripped) return void this.admit(episode, considered, this.countAgain(episode, considered));
        return void this.admit(episode, considered, { counted, results: countedResults(verdict.results) });
      default:
        return assertNever(verdict.outcome, "verdict");
    }
  }

  private consider(episode: Episode, matched: Matched, alerts: Alert[]): Considered {
    const before = episode.considered;
    const isSame = before?.alerts.length === alerts.length && before.alerts.every((one, at) => one === alerts[at]);
    if (isSame) return before.what;
    const what = this.world.consider(matched, alerts);
    episode.considered = { alerts, what };
    return what;
  }

  private unmatched(alert: Alert): GuardrailResult {
    const classified = this.world.classify(alert);
    if (classified.kind === "matched") throw new Error("a matched alert has a runbook");
    return resultOf(this.world.options.catalogue, alert, classified);
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

  private countAgain(episode: Episode, planned: Planned): Evaluated {
    const counted = this.counted(episode, planned);
    const { plan, planHash, facts } = planned;
    const results = evaluateCounted(plan, { counted, now: iso(this.world.now), planHash, modes: facts.modes });
    this.trip(results);
    return { counted, results };
  }

  /** True: a breaker tripped that was not open before. */
  private trip(results: readonly GuardrailResult[]): boolean {
    const { world } = this;
    const { resetAfterMs } = world.options.assumptions;
    const tripped = world.history.trip(results, world.now);
    for (const breaker of tripped) {
      this.tripped.push(breaker);
      if (resetAfterMs === null) continue;
      world.at(world.now + resetAfterMs, () => {
        world.history.reset(breaker, world.now);
        this.waiting.wakeFrom(breaker);
      });
    }
    return tripped.length > 0;
  }

  private ask(episode: Episode, plan: Plan, planHash: string): void {
    const { world } = this;
    const { approveAfterMs } = world.options.assumptions;
    const { expiresMs } = plan.approval;
    episode.asked += 1;
    episode.approving = true;
    this.waiting.leave(episode);
    if (approveAfterMs === null || approveAfterMs >= expiresMs) {
      return void this.next(episode, world.now + expiresMs, () => this.close(episode, "escalated", "notApproved"));
    }
    this.next(episode, world.now + approveAfterMs, () => {
      const approval = { planHash, at: world.now, expiresAt: world.now + expiresMs };
      for (const person of assumedPeople(quorumOf(plan.approval))) {
        world.history.approve(episode.id, { person, ...approval });
      }
      this.decide(episode);
    });
  }

  private admit(episode: Episode, planned: Planned, { counted, results }: Evaluated): void {
    const { plan } = planned;
    if (results.some(({ outcome }) => outcome !== "pass" && outcome !== "wait"))
      return void this.refuse(episode, results);
    const waits = results.filter(({ outcome }) => outcome === "wait");
    const isFull = cappedScopes(plan).some(({ scope, max }) => (counted.held[scope] ?? 0) >= max);
    if (waits.length === 0 && !isFull && !this.waiting.mustWait(episode, plan))
      return void this.act(episode, planned, results);
    note(episode, results);
    for (const { code } of waits) episode.waitedFor.add(code);
    const until = this.waiting.enter(episode, plan, counted, results);
    const { now } = this.world;
    const wait = until === null ? LOOK_AGAIN_MS : Math.max(LEAST_WAIT_MS, until - now);
    this.next(episode, now + wait, () => this.decide(episode));
  }

  private act(episode: Episode, { plan }: Planned, results: GuardrailResult[]): void {
    const { world } = this;
    const { history, options, now } = world;
    if (episode.queuedSince !== null) episode.waitedMs += now - episode.queuedSince;
    note(episode, results);
    this.waiting.leave(episode);
    episode.acting = true;
    history.admit(episode.id, plan, now, results);
    history.acted(episode.id);
    const fate = fateOf(episode, "acted");
    for (const fault of faultsOf(episode)) world.tell(fault, fate);
    this.next(episode, now + options.assumptions.workMs(plan.runbook), () => this.close(episode, "healed", "acted"));
  }

  private refuse(episode: Episode, results: GuardrailResult[]): void {
    note(episode, results);
    this.close(episode, "refused", "refused");
  }

  private close(episode: Episode, outcome: Outcome, kind: FateKind): void {
    const { world } = this;
    const { planned, queuedSince } = episode;
    episode.turn += 1;
    if (queuedSince !== null && !episode.acting) episode.waitedMs += world.now - queuedSince;
    const freed = episode.acting && planned !== null ? leasedScopes(planned.plan) : [];
    this.waiting.leave(episode);
    world.history.close(episode.id, { outcome, leftOut: false }, world.now);
    this.waiting.wake(freed);
    world.settle(episode.inbox, episode, fateOf(episode, kind));
  }
}

interface Evaluated {
  counted: CountedFacts;
  results: GuardrailResult[];
}

function fateOf(episode: Episode, kind: FateKind): Fate {
  const { matched, last, asked, waitedFor, waitedMs, number, inbox } = episode;
  const isOver = kind === "acted" || kind === "recovered";
  return {
    kind,
    runbook: matched?.runbook.name ?? null,
    target: inbox.target.replace(" ", "/"),
    group: matched?.target.group ?? null,
    codes: isOver ? [] : last.codes,
    detail: isOver ? "" : last.detail,
    asked,
    waitedFor: [...waitedFor],
    waitedMs,
    episode: number,
  };
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
