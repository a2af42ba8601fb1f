/** One remediation in the making: what the stages share, and how it shows itself in the Web UI. */
import { setCurrentDetails } from "@temporalio/workflow";
import type { Alert } from "../contracts/alert.ts";
import type { JsonObject } from "../contracts/json.ts";
import type { Plan, PlanStep } from "../contracts/plan.ts";
import type { ProbeReading, ProbeSpec } from "../contracts/probe.ts";
import type { Outcome, Phase, RemediationView } from "../contracts/remediation.ts";
import type { TargetRef } from "../contracts/target.ts";
import { setAttributes } from "./attributes.ts";
import type { Desk } from "./desk.ts";
import { describe } from "./details.ts";
import type { Fault, Inbox } from "./inbox.ts";

/** How an episode ends; `close` makes it true. */
export interface Ending {
  outcome: Outcome;
  /** One sentence: why. */
  because: string;
  /** A person has something to do. */
  needsHuman: boolean;
  escalate: boolean;
}

/** An effect that may have changed the world. */
export interface PerformedEffect {
  rung: string;
  step: PlanStep;
  /** Resolved. */
  input: JsonObject;
}

export interface Classification {
  runbook: string;
  runbookHash: string;
  joinKey: string;
  probe: ProbeSpec;
  flapWindowMs: number;
}

export class Episode {
  readonly remediationId: string;
  readonly target: TargetRef;
  readonly inbox: Inbox;
  readonly desk: Desk;
  readonly view: RemediationView;
  joinKey: string;
  classification: Classification | null = null;
  catalogueVersion: string | null = null;
  plan: Plan | null = null;
  planHash: string | null = null;
  /** Of the plan, when it was decided. */
  approvedBy: string[] = [];
  reading: ProbeReading | null = null;
  collected: JsonObject | null = null;
  collectDetail = "";
  /** Every effect that may have changed the world and was neither taken back nor finished, oldest first. */
  readonly performed: PerformedEffect[] = [];
  /** `<rung>/<step>` of every effect that this run began, whatever became of it. */
  readonly begun = new Set<string>();
  private everActed = false;
  private noReturn = false;
  readonly results: Record<string, JsonObject> = {};
  harmBaseline: number | null = null;
  /** A person vouched that it is healthy: from then on harm counts, and the probes do not. */
  vouched: string | null = null;
  private heldMs = 0;
  /** Things that a person must look at, whatever the outcome. */
  readonly problems: string[] = [];

  constructor(
    first: Pick<Fault, "remediationId" | "joinKey">,
    target: TargetRef,
    inbox: Inbox,
    desk: Desk,
    view: RemediationView,
  ) {
    this.remediationId = first.remediationId;
    this.joinKey = first.joinKey;
    this.target = target;
    this.inbox = inbox;
    this.desk = desk;
    this.view = view;
    Object.assign(view, freshView(target), { remediationId: first.remediationId });
  }

  /** Milliseconds of a clock that stands still while a person holds it: for the deadlines of steps. */
  now(): number {
    return Date.now() - this.heldMs;
  }

  /** ISO; the moment of a deadline by that clock, if nobody holds it from now on. */
  timeOf(deadline: number): string {
    return new Date(deadline + this.heldMs).toISOString();
  }

  wasHeld(ms: number): void {
    this.heldMs += ms;
  }

  faults(): Fault[] {
    return this.inbox.joined(this.joinKey);
  }

  /** Those that fire; all of them once none does (they may all have been resolved while the target was recovered). */
  alerts(): Alert[] {
    const faults = this.faults();
    const firing = faults.filter((fault) => !fault.resolved);
    return (firing.length > 0 ? firing : faults).map((fault) => fault.alert);
  }

  /** The source says that every fault of this episode is over. */
  allResolved(): boolean {
    return this.faults().every((fault) => fault.resolved);
  }

  /** Noted before it is sent: from here on it may have happened, whatever the answer is. */
  began(effect: PerformedEffect): void {
    this.performed.push(effect);
    this.begun.add(`${effect.rung}/${effect.step.id}`);
    this.view.pointOfNoReturn = this.pointOfNoReturn();
  }

  /** It was certainly not sent, or refused with nothing done. */
  cameToNothing(effect: PerformedEffect): void {
    this.performed.splice(this.performed.indexOf(effect), 1);
    this.view.pointOfNoReturn = this.pointOfNoReturn();
  }

  /** It was taken back or finished, or somebody was told that it could not be. */
  dealtWith(effect: PerformedEffect): void {
    this.everActed = true;
    this.noReturn = this.pointOfNoReturn();
    this.performed.splice(this.performed.indexOf(effect), 1);
  }

  /** Something in the world waits to be taken back or finished. */
  touched(): boolean {
    return this.performed.length > 0;
  }

  /** An effect may have changed the world, whatever became of it afterwards. */
  acted(): boolean {
    return this.everActed || this.touched();
  }

  passPointOfNoReturn(): void {
    this.noReturn = true;
    this.view.pointOfNoReturn = true;
  }

  /** Nothing is undone any more: only `finish` decides the safe state. */
  pointOfNoReturn(): boolean {
    return this.noReturn || this.performed.some((effect) => effect.step.risk === "irreversible");
  }

  enter(phase: Phase, doing: string): void {
    setAttributes({ SelfhealPhase: phase });
    this.view.phase = phase;
    this.say(doing);
  }

  say(doing: string, waiting: RemediationView["waiting"] = null): void {
    this.view.doing = doing;
    this.view.waiting = waiting;
    this.view.faults = this.faults().map((fault) => ({
      key: fault.key,
      status: fault.resolved ? "resolved" : "firing",
    }));
    setCurrentDetails(describe(this.view));
  }

  problem(text: string): void {
    this.problems.push(text);
    this.view.needsHuman = true;
  }

  classify(classification: Classification): void {
    // The pinned catalogue may join what the starter's did not: its word counts.
    for (const fault of this.faults()) fault.joinKey = classification.joinKey;
    this.joinKey = classification.joinKey;
    this.classification = classification;
    this.view.runbook = classification.runbook;
  }

  requireClassification(): Classification {
    if (this.classification === null) throw new Error("not classified");
    return this.classification;
  }

  requirePlan(): Plan {
    if (this.plan === null || this.planHash === null) throw new Error("no plan was decided");
    return this.plan;
  }
}

/** A signal gets no answer: why it was not taken stands in the Web UI until the next command counts. */
export function showNotTaken(view: RemediationView, what: string, why: string): void {
  view.notTaken = `${what}: ${why}`;
  setCurrentDetails(describe(view));
}

export function freshView(target: TargetRef): RemediationView {
  return {
    remediationId: "",
    target: { kind: target.kind, id: target.id },
    runbook: null,
    phase: "open",
    doing: "starting",
    waiting: null,
    planHash: null,
    approval: null,
    verdict: null,
    step: null,
    takeover: null,
    notTaken: null,
    pointOfNoReturn: false,
    outcome: null,
    needsHuman: false,
    faults: [],
  };
}
