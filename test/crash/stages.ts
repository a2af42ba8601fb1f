/**
 * The second matrix: what a person does to a workflow from Temporal's own tools, at every stage. One host a row; all run
 * at once, on a clock slow enough that each stage lasts some seconds.
 */
import type { RemediationStory } from "../../src/record/api.ts";

export type Stage = "confirm" | "approve" | "admit" | "drain" | "ticket" | "reinstall" | "verify" | "ramp" | "close";
/** `resetFirst` and `resetLast`: to the first and to the last workflow task that was completed. */
export type Intervention = "cancel" | "resetFirst" | "resetLast";

export interface StageRow {
  stage: Stage;
  intervention: Intervention;
  /** How it ends, and whether the host takes traffic then; out of service always with `needsHuman`. */
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
const BEYOND_RETURN: readonly Stage[] = ["reinstall", "verify"];
/** A cancel comes too late for them: the target is on its way back. */
const TOO_LATE: readonly Stage[] = ["ramp", "close"];

function cancelled(stage: Stage): StageRow {
  if (TOO_LATE.includes(stage)) return { stage, intervention: "cancel", outcome: "healed", inService: true };
  return { stage, intervention: "cancel", outcome: "cancelled", inService: !BEYOND_RETURN.includes(stage) };
}

/**
 * Reset to its first task, a workflow confirms anew. Until the technician comes that finds the same fault, and what was
 * done is found done. Later it finds another world: docs/operating.md says so under its known limits.
 */
const CONFIRMS_THE_SAME: readonly Stage[] = ["confirm", "approve", "admit", "drain"];

/** What it had done is found done: it goes on where it was, and the end is the same. */
function reset(stage: Stage, intervention: Intervention): StageRow {
  return { stage, intervention, outcome: stage === "confirm" ? "recovered" : "healed", inService: true };
}

export const INTERVENTIONS: readonly StageRow[] = STAGES.flatMap((stage) => [
  cancelled(stage),
  ...(CONFIRMS_THE_SAME.includes(stage) ? [reset(stage, "resetFirst")] : []),
  reset(stage, "resetLast"),
]);
