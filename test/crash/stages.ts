/**
 * The second matrix: what a person does to a workflow from Temporal's own tools, at every stage. One host a row; all run
 * at once, on a clock slow enough that each stage lasts some seconds.
 */
import type { RemediationStory } from "../../src/record/api.ts";

export type Stage = "confirm" | "approve" | "admit" | "drain" | "ticket" | "reinstall" | "verify" | "ramp" | "close";
/** `resetFirst` and `resetLast`: to the first and to the last workflow task that was completed. */
export type Intervention = "cancel" | "terminate" | "resetFirst" | "resetLast";

export interface StageRow {
  stage: Stage;
  intervention: Intervention;
  /** How it ends, and whether the host takes traffic then; out of service or escalated always with `needsHuman`. */
  outcome: string;
  inService: boolean;
}

/** What a list says of it then, as `<phase>: <doing>`: only these are looked at more closely. */
export const PHASES: Record<Stage, RegExp> = {
  confirm: /^confirm/,
  approve: /^approve/,
  admit: /^admit/,
  drain: /^act: waits/,
  ticket: /^act: waits/,
  reinstall: /^act: waits/,
  verify: /^verify/,
  ramp: /^close: loadbalancer/,
  close: /^close: monitoring/,
};

/** Is it in that stage now? */
export const REACHED: Record<Stage, (story: RemediationStory) => boolean> = {
  confirm: ({ remediation: { phase }, audit }) => phase === "confirm" && audit.some(({ kind }) => kind === "confirmed"),
  approve: ({ remediation: { phase } }) => phase === "approve",
  admit: ({ remediation: { phase, doing } }) => phase === "admit" && doing.startsWith("in the queue"),
  drain: (story) => waitsFor(story, "loadbalancer"),
  ticket: (story) => waitsFor(story, "tickets"),
  reinstall: (story) => waitsFor(story, "provisioner"),
  verify: ({ remediation: { phase } }) => phase === "verify",
  ramp: ({ remediation: { phase }, effects }) =>
    phase === "close" && effects.some(({ step, direction }) => step.includes("@") && direction === "finishHealthy"),
  // The chat is slow to take the message.
  close: ({ remediation: { closedAt, doing }, escalations }) =>
    closedAt === null &&
    doing.startsWith("monitoring.silence finish") &&
    escalations.some(({ sentAt }) => sentAt === null),
};

function waitsFor({ remediation, waits }: RemediationStory, system: string): boolean {
  return remediation.doing.startsWith("waits:") && waits.some((wait) => wait.doneAt === null && wait.system === system);
}

const STAGES = Object.keys(REACHED) as Stage[];
const UNTOUCHED: readonly Stage[] = ["confirm", "approve", "admit"];
/** Proven healthy, and on its way back. */
const COMING_BACK: readonly Stage[] = ["ramp", "close"];
const TAKEN_BACK: readonly Stage[] = ["drain", "ticket"];

function cancelled(stage: Stage): StageRow {
  // When only the silence is left to end, a cancel comes too late.
  if (stage === "close") return { stage, intervention: "cancel", outcome: "healed", inService: true };
  const inService = UNTOUCHED.includes(stage) || TAKEN_BACK.includes(stage);
  return { stage, intervention: "cancel", outcome: "cancelled", inService };
}

/** The next run settles what the gone one had started: stage recover. */
function recovered(stage: Stage, intervention: Intervention): StageRow {
  if (COMING_BACK.includes(stage)) return { stage, intervention, outcome: "healed", inService: true };
  // Until the sweeper has noticed the end of a workflow, the technician has come: nothing is undone any more.
  const swapped = stage === "ticket" && intervention === "terminate";
  const inService = UNTOUCHED.includes(stage) || (TAKEN_BACK.includes(stage) && !swapped);
  return { stage, intervention, outcome: "escalated", inService };
}

/** Reset to its first task a workflow begins anew; where it had changed the world, by settling that. */
function resetFirst(stage: Stage): StageRow {
  return UNTOUCHED.includes(stage) ? resetLast(stage, "resetFirst") : recovered(stage, "resetFirst");
}

/** What it had done is found done: it goes on where it was, and the end is the same. */
function resetLast(stage: Stage, intervention: Intervention = "resetLast"): StageRow {
  return { stage, intervention, outcome: stage === "confirm" ? "recovered" : "healed", inService: true };
}

export const INTERVENTIONS: readonly StageRow[] = STAGES.flatMap((stage) => [
  cancelled(stage),
  recovered(stage, "terminate"),
  resetFirst(stage),
  resetLast(stage),
]);
