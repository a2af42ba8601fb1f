import type { FaultKey } from "./alert.ts";
import type { GuardrailResult } from "./verdict.ts";

export const PHASES = [
  "open",
  "confirm",
  "decide",
  "approve",
  "admit",
  "act",
  "verify",
  /** Its workflow ended without closing it; the next run settles what it had started. */
  "recover",
  "close",
  "closed",
] as const;
export type Phase = (typeof PHASES)[number];

export const OUTCOMES = [
  "healed",
  "recovered",
  "escalated",
  "refused",
  "rejected",
  "cancelled",
  "observed",
  "failed",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What a person says to a remediation that stands still: `take` makes it stand, the others make it go on (ADR 31). */
export const COMMANDS = ["take", "retry", "skip", "markDone", "release", "end"] as const;
export type Command = (typeof COMMANDS)[number];

/** As people type and read it, in a command line and in a path: `mark-done`. */
export function spelled(command: string): string {
  return command === "markDone" ? "mark-done" : command;
}

/** Who holds it, and what goes on now. */
export interface TakeoverView {
  by: string;
  /** ISO. */
  since: string;
  reason: string;
  /** `taking`: it stands still after the current call. `held`: it stands. `moving`: a command is carried out. */
  state: "taking" | "held" | "moving";
  /** Where it stands: `replace/dc`, `replace/dc/undo`, or the phase. */
  at: string;
  /** What it did there, or what became of it: `host.assertDiskReplaced: failed: it is the old disk`. */
  about: string;
  /** What the holder may command now. Anybody may `take` it over. */
  commands: Command[];
}

/** What the query `remediation.state` answers: enough to see what it does, waits for, and who must act. */
export interface RemediationView {
  remediationId: string;
  target: { kind: string; id: string };
  runbook: string | null;
  phase: Phase;
  /** One sentence in the present tense: `waiting for the datacenter ticket 42`. */
  doing: string;
  /** What it waits for and until when, null when it does not wait. */
  waiting: { for: string; since: string; until: string | null } | null;
  planHash: string | null;
  approval: {
    needed: boolean;
    roles: string[];
    /** Different people who must approve, and those who did. */
    quorum: number;
    approvedBy: string[];
    expiresAt: string | null;
  } | null;
  verdict: { outcome: string; reasons: GuardrailResult[] } | null;
  step: string | null;
  takeover: TakeoverView | null;
  /** The last message of a person that was not taken, and why: a signal gets no other answer. */
  notTaken: string | null;
  pointOfNoReturn: boolean;
  outcome: Outcome | null;
  needsHuman: boolean;
  faults: { key: FaultKey; status: "firing" | "resolved" }[];
}
