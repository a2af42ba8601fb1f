/** What measures, reports and postmortems are made of: closed remediations as the record has them (docs/measures.md). */
import type { Severity } from "./alert.ts";
import type { ReviewVerdict } from "./autonomy.ts";
import type { EffectState } from "./effect.ts";
import type { EffectDirection } from "./ids.ts";
import type { JsonObject } from "./json.ts";
import type { Outcome } from "./remediation.ts";
import type { TargetRef } from "./target.ts";

/** From and to, ISO; `to` is no part of it. */
export interface Span {
  from: string;
  to: string;
}

/** An entry of the audit chain, as far as it says when somebody was waited for and what the probe said. */
export interface Mark {
  kind: "progress" | "held" | "command" | "effectIntended" | "confirmed" | "read";
  /** ISO. */
  at: string;
  /** `progress`: the phase. `command`: the command that counted. `confirmed`, `read`: the state of the first probe. Else "". */
  what: string;
}

export interface MeasuredEffect {
  rung: string;
  step: string;
  action: string;
  direction: EffectDirection;
  state: EffectState;
  /** ISO; when it was first intended. */
  at: string;
  /** Of `ticket.open` alone: what was asked for, and the ticket. Of all others null. */
  request: JsonObject | null;
  result: JsonObject | null;
}

/** One closed remediation. */
export interface MeasuredRow {
  remediationId: string;
  target: TargetRef;
  runbook: string | null;
  group: string;
  owner: string;
  severity: Severity;
  outcome: Outcome;
  needsHuman: boolean;
  openedAt: string;
  closedAt: string;
  /** ISO; when the first of its alerts began, by the source's clock. null: no alert is linked to it. */
  startedAt: string | null;
  /** ISO; when the first of its alerts arrived. null: as above. */
  receivedAt: string | null;
  alertnames: string[];
  /** ISO; when the remediation before it on the same target closed. null: there was none. */
  previousClosedAt: string | null;
  /** ISO; null: nothing was sent. */
  firstEffectAt: string | null;
  /** The runbook's estimate, once it was admitted; null: it never was. */
  cost: number | null;
  /** Oldest first. */
  effects: MeasuredEffect[];
  /** When a ticket was waited for. */
  ticketWaits: Span[];
  /** Of its audit chain, oldest first; empty when it was never admitted. */
  marks: Mark[];
  /** A person approved its plan, and that counted. */
  approved: boolean;
  review: ReviewVerdict | null;
  /** Of a refused one: reason codes of what did not pass in its last verdict. */
  codes: string[];
  /** Retention has removed all but its row: what it did, and who had a hand in it, is not known any more. */
  pruned: boolean;
  /** Longest time from the end of a call that acted to its entry in the audit chain; null: no such call is known. */
  auditLagMs: number | null;
}

/** A closed remediation that acted or went to a person: what passed by itself and what was only looked at is none. */
export type Trouble = Pick<
  MeasuredRow,
  "remediationId" | "target" | "runbook" | "owner" | "outcome" | "closedAt" | "alertnames"
>;

/** Alerts that no runbook matched. */
export interface Unmatched {
  /** Different faults that arrived. */
  faults: number;
  /** The commonest first, at most 20. */
  alerts: UnmatchedAlert[];
}

/** One `alertname` of them. */
export interface UnmatchedAlert {
  alertname: string;
  /** Different faults that arrived. */
  faults: number;
  /** ISO. */
  lastSeenAt: string;
}

/** How it stands now: what alert rules on selfheal itself ask. Times are ISO; null: there is none. */
export interface LiveState {
  open: { phase: string; remediations: number; oldestOpenedAt: string }[];
  queue: { waiting: number; oldestSince: string | null };
  approvals: { waiting: number; oldestSince: string | null };
  breakers: { kind: string; open: number }[];
  unsent: { escalations: number; oldestAt: string | null };
  findings: { code: string; severity: string; there: number }[];
  /** Messages that each channel took, and did not take, since the record began. */
  channels: { channel: string; taken: number; failed: number }[];
  lastSweepAt: string | null;
  now: string;
}
