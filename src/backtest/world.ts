/**
 * One catalogue living through recorded alerts in virtual time: faults, their targets' inboxes, one remediation a target.
 * What the stages decide is `stages.ts`; this is what the starters, the inbox and the timers are in production. An alert
 * that fires stands for a probe that says unhealthy.
 */
import type { Alert, FaultKey } from "../contracts/alert.ts";
import { SEVERITIES, severityOf } from "../contracts/alert.ts";
import { faultKey } from "../contracts/ids.ts";
import { UNKNOWN_KIND } from "../contracts/target.ts";
import type { ReasonCode, Verdict } from "../contracts/verdict.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { Classification, Matched } from "../catalogue/classify.ts";
import type { Considered } from "../catalogue/consider.ts";
import type { Assumptions } from "./assumptions.ts";
import type { Fate } from "./fate.ts";
import { Heap } from "./heap.ts";
import { History, targetKey } from "./history/history.ts";
import { Knowledge } from "./knowledge.ts";
import { Stages, type Episode } from "./stages.ts";

export interface Fault {
  key: FaultKey;
  alert: Alert;
  /** `kind/id` group, to know which members have a firing alert. */
  member: { group: string; id: string } | null;
  joinKey: string;
  resolved: boolean;
  /** Its fate was told. */
  told: boolean;
}

/** The faults of one target. */
export interface Inbox {
  target: string;
  faults: Map<FaultKey, Fault>;
  episode: Episode | null;
}

/** What an alert was to a world. `resolved` and `repeat` have no fate of their own. */
export type Taken = "new" | "repeat" | "resolved" | "unmatched";

export interface WorldOptions {
  catalogue: Catalogue;
  assumptions: Assumptions;
  /** Of every fault that was `new`, once. */
  onFate: (key: FaultKey, fate: Fate, alert: Alert) => void;
  /** Of every decision about a plan. `alert` is the first of its remediation. */
  onVerdict?: ((alert: Alert, verdict: Verdict) => void) | undefined;
}

const FORGET_EVERY_MS = 6 * 3_600_000;
/** Of a stand-in's fault, which never starts again. */
const REMEMBERED_MS = 48 * 3_600_000;

interface Decided {
  at: number;
  /** null: never. */
  reopenAfterMs: number | null;
}

export class World {
  readonly history: History;
  readonly options: WorldOptions;
  /** ms since 1970. */
  now = 0;
  private readonly knowledge: Knowledge;
  private readonly inboxes = new Map<string, Inbox>();
  private readonly decided = new Map<FaultKey, Decided>();
  /** By `kind group`, members with their number of firing faults. */
  private readonly sick = new Map<string, Map<string, number>>();
  private readonly timers = new Heap<{ at: number; run: () => void }>();
  private readonly stages: Stages;
  private forgottenAt = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.history = new History(options.catalogue.standingApprovals);
    this.knowledge = new Knowledge(options.catalogue, options.assumptions.evidence);
    this.stages = new Stages(this);
  }

  get breakersTripped(): readonly { scope: string; reason: string; trippedAt: string }[] {
    return this.stages.tripped;
  }

  /** Runs everything that is due before `to`: what came at one moment is decided when all of it is there. */
  advance(to: number): void {
    for (;;) {
      const next = this.timers.peek();
      if (next === undefined || next.at >= to) break;
      this.timers.pop();
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = Math.max(this.now, to);
    if (this.now - this.forgottenAt >= FORGET_EVERY_MS) this.forget();
  }

  at(at: number, run: () => void): void {
    this.timers.push({ at, run });
  }

  receive(alert: Alert): Taken {
    const key = faultKey(alert);
    const classified = this.classify(alert);
    if (classified.kind === "unmatched") {
      const { target: named, places } = classified;
      if (named !== null && alert.status === "firing") {
        const { kind, id, group } = named;
        const target = { kind, id, group, places };
        this.history.receive({ key, fingerprint: alert.fingerprint, target }, this.now);
      }
      return "unmatched";
    }
    const target = standsFor(classified, alert);
    if (alert.status === "resolved") {
      this.resolve(target, key);
      return "resolved";
    }
    const group = classified.kind === "matched" ? classified.target.group : "";
    const ref = classified.kind === "matched" ? classified.target : { kind: UNKNOWN_KIND, id: alert.fingerprint };
    const places = classified.kind === "matched" ? classified.places : [];
    this.history.receive(
      { key, fingerprint: alert.fingerprint, target: { kind: ref.kind, id: ref.id, group, places } },
      this.now,
    );
    if (this.isDecided(key)) return "repeat";
    const inbox = this.inboxes.get(target) ?? this.openInbox(target);
    if (inbox.faults.has(key)) return "repeat";
    const member = classified.kind === "matched" ? { group: `${ref.kind} ${group}`, id: ref.id } : null;
    const joinKey = classified.kind === "matched" ? classified.joinKey : alert.fingerprint;
    inbox.faults.set(key, { key, alert, member, joinKey, resolved: false, told: false });
    this.count(member, 1);
    return "new";
  }

  /** Its first remediation begins once all that came at this moment is there. */
  private openInbox(target: string): Inbox {
    const inbox: Inbox = { target, faults: new Map<FaultKey, Fault>(), episode: null };
    this.inboxes.set(target, inbox);
    this.at(this.now, () => this.startNext(inbox));
    return inbox;
  }

  /** Virtual time stops here: what is not over is told as it stands. */
  finish(): void {
    this.advance(this.now + 1);
    for (const inbox of this.inboxes.values()) {
      const { episode } = inbox;
      for (const fault of inbox.faults.values()) {
        if (fault.told) continue;
        const mine = episode !== null && fault.joinKey === episode.joinKey;
        this.tell(fault, mine ? this.stages.standing(episode) : WAITS_ITS_TURN);
      }
    }
  }

  classify(alert: Alert): Classification {
    return this.knowledge.classify(alert);
  }

  consider(matched: Matched, alerts: Alert[]): Considered {
    return this.knowledge.consider(matched, alerts, (plan) => this.history.keepFor(plan));
  }

  /** Members of the group with a firing alert. */
  sickOf(kind: string, group: string): string[] {
    return [...(this.sick.get(`${kind} ${group}`)?.keys() ?? [])].sort();
  }

  tell(fault: Fault, fate: Fate): void {
    if (fault.told) return;
    fault.told = true;
    this.options.onFate(fault.key, fate, fault.alert);
  }

  /** Decides the faults of the episode for as long as its runbook says, and goes on with the next of the target. */
  settle(inbox: Inbox, episode: Episode, fate: Fate): void {
    const reopenAfterMs = episode.matched?.runbook.reopenAfterMs ?? null;
    for (const fault of [...inbox.faults.values()]) {
      const mine = fault.joinKey === episode.joinKey;
      if (!mine && !fault.resolved) continue;
      this.tell(fault, mine ? fate : RECOVERED);
      if (mine) this.decided.set(fault.key, { at: this.now, reopenAfterMs });
      inbox.faults.delete(fault.key);
      if (!fault.resolved) this.count(fault.member, -1);
    }
    inbox.episode = null;
    this.startNext(inbox);
  }

  private startNext(inbox: Inbox): void {
    const first = worst([...inbox.faults.values()]);
    if (first === null) {
      for (const fault of inbox.faults.values()) this.tell(fault, RECOVERED);
      this.inboxes.delete(inbox.target);
      return;
    }
    inbox.episode = this.stages.open(inbox, first);
  }

  private resolve(target: string, key: FaultKey): void {
    const inbox = this.inboxes.get(target);
    const fault = inbox?.faults.get(key);
    if (inbox === undefined || fault === undefined || fault.resolved) return;
    fault.resolved = true;
    this.count(fault.member, -1);
    if (inbox.episode !== null) this.stages.resolved(inbox.episode);
  }

  private isDecided(key: FaultKey): boolean {
    const decided = this.decided.get(key);
    if (decided === undefined) return false;
    if (decided.reopenAfterMs === null || this.now - decided.at <= decided.reopenAfterMs) return true;
    this.decided.delete(key);
    return false;
  }

  private count(member: Fault["member"], by: number): void {
    if (member === null) return;
    const ofGroup = this.sick.get(member.group) ?? new Map<string, number>();
    const count = (ofGroup.get(member.id) ?? 0) + by;
    if (count > 0) ofGroup.set(member.id, count);
    else ofGroup.delete(member.id);
    this.sick.set(member.group, ofGroup);
  }

  private forget(): void {
    this.forgottenAt = this.now;
    this.history.forget(this.now);
    for (const [key, { at, reopenAfterMs }] of this.decided) {
      if (this.now - at > (reopenAfterMs ?? REMEMBERED_MS)) this.decided.delete(key);
    }
  }
}

function bare(kind: Fate["kind"], detail: string): Fate {
  const none = { runbook: null, target: null, group: null, codes: [] as ReasonCode[], waitedFor: [] as ReasonCode[] };
  return { kind, ...none, detail, asked: 0, waitedMs: 0, episode: null };
}
const RECOVERED = bare("recovered", "the alert was resolved before its turn came");
const WAITS_ITS_TURN = bare("waiting", "another remediation of the target was open when the recording ended");

function standsFor(classified: Exclude<Classification, { kind: "unmatched" }>, { fingerprint }: Alert): string {
  return classified.kind === "matched" ? targetKey(classified.target) : `${UNKNOWN_KIND} ${fingerprint}`;
}

/** As the workflow's inbox: the worst that fires, the first of these. */
function worst(faults: readonly Fault[]): Fault | null {
  const rank = (fault: Fault): number => SEVERITIES.indexOf(severityOf(fault.alert.labels));
  const firing = faults.filter((fault) => !fault.resolved);
  return firing.reduce<Fault | null>((best, one) => (best === null || rank(one) < rank(best) ? one : best), null);
}
