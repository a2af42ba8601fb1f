/**
 * The record's open remediations beside Temporal's running workflows: one list of each, and a description only of those
 * that do not fit. What Temporal does not find is never reaped (design §3 law 2).
 */
import type { RemediationRow, RecordStore } from "../record/api.ts";
import type { FindingRow } from "../record/api-sweep.ts";
import { Gate } from "../starters/gate.ts";
import type { Remediations } from "../starters/remediations.ts";
import {
  asBefore,
  candidate,
  idsOf,
  nameOf,
  show,
  some,
  type Candidate,
  type LookDependencies,
  type Moment,
} from "./sweep-finding.ts";
import type { SeenRun } from "../starters/runs.ts";
import type { RunningWorkflow } from "./sweep-temporal.ts";

/** Left out: looking only. */
export interface WorkflowRepairs {
  record: Pick<RecordStore, "markNeedsHuman" | "orphanLeases" | "leaveQueue">;
  remediations: Pick<Remediations, "hint" | "recover">;
}
export interface WorkflowsSeen {
  candidates: Candidate[];
  /** Temporal is the one that the record is about: repairs may go on. */
  trusted: boolean;
}

const MOST_OPEN = 10_000;
/** Descriptions in one sweep. */
const MOST_SUSPECTS = 100;
const MOST_TASK_LOOKS = 50;
const LOOKS_AT_ONCE = 8;
/** An episode younger than this may not stand in the server's lists yet. */
const LIST_LAG_MS = 60_000;
/** A healthy workflow task takes one try, a deployment or a slow worker some more. */
const STUCK_ATTEMPTS = 3;
/** With the pauses between its tries that is two minutes: a database that is restarted is back by then. */
const STUCK_ACTIVITY_ATTEMPTS = 9;
const FORGOTTEN_AT_LEAST = 3;
const OVERDUE_MS = 15 * 60_000;
const UNRECORDED_MS = 10 * 60_000;
const PATIENCE_MS = 5 * 60_000;
/** A recovery that ended without closing is asked for again after this time. */
const RECOVER_AGAIN_MS = 5 * 60_000;

interface Facts {
  deps: LookDependencies;
  moment: Moment;
  repairs: WorkflowRepairs | null;
  open: RemediationRow[];
  openComplete: boolean;
  running: Map<string, RunningWorkflow>;
}

export async function lookAtWorkflows(
  deps: LookDependencies,
  moment: Moment,
  repairs: WorkflowRepairs | null,
): Promise<WorkflowsSeen> {
  const listed = await deps.temporal.running(MOST_OPEN);
  const open = await deps.record.openEpisodes(MOST_OPEN);
  const running = new Map(listed.workflows.map((one) => [one.workflowId, one]));
  const facts = { deps, moment, repairs, open, openComplete: open.length < MOST_OPEN, running };
  const suspects = suspectsOf(facts);
  const seen = await describe(deps, newestOf(suspects.now));
  const over = suspects.now.filter((row) => seen.get(row.workflowId)?.state === "closed");
  // That the newest run has ended does not say it of the one that opened the episode (law 2).
  const own = await describe(deps, over);
  const ended = over.filter((row) => own.get(row.workflowId)?.state === "closed");
  const notFound = suspects.now.filter(
    (row) => (own.get(row.workflowId) ?? seen.get(row.workflowId))?.state === "notFound",
  );
  const alive = open.filter((row) => running.has(row.workflowId) || seen.get(row.workflowId)?.state === "running");
  if (notFound.length >= FORGOTTEN_AT_LEAST && notFound.length > alive.length + ended.length) {
    return { candidates: [forgot(deps, notFound, open.length)], trusted: false };
  }
  return {
    trusted: true,
    candidates: [
      ...ended.map((row) => workflowClosed(facts, row, own.get(row.workflowId))),
      ...notFound.map((row) => workflowNotFound(deps, row)),
      ...suspects.later.flatMap((row) => knownOf(moment, row)),
      ...alive.filter((row) => isOverdue(row, moment.nowMs)).map((row) => overdue(facts, row)),
      ...(await lookAtTasks(facts, alive)),
    ],
  };
}

/** Open, but not in the list of those that run: some are asked for now, those that were found before as the last. */
function suspectsOf({ open, running, moment }: Facts): { now: RemediationRow[]; later: RemediationRow[] } {
  const suspects = open.filter(
    (row) => !running.has(row.workflowId) && Date.parse(row.openedAt) + LIST_LAG_MS <= moment.nowMs,
  );
  const isNew = (row: RemediationRow): boolean => knownOf(moment, row).length === 0;
  const sorted = [...suspects.filter(isNew), ...suspects.filter((row) => !isNew(row))];
  return { now: sorted.slice(0, MOST_SUSPECTS), later: sorted.slice(MOST_SUSPECTS) };
}

function knownOf({ known }: Moment, row: RemediationRow): Candidate[] {
  const found = ["WORKFLOW_CLOSED", "WORKFLOW_NOT_FOUND"].map((code) => known.get(`${code}/${row.remediationId}`));
  return found.flatMap((one) => (one === undefined ? [] : [asBefore(one)]));
}

/** By workflow id. Without `runId` the newest run is meant. */
async function describe(
  deps: LookDependencies,
  rows: readonly { workflowId: string; runId?: string }[],
): Promise<Map<string, SeenRun>> {
  const gate = new Gate(LOOKS_AT_ONCE);
  const runs = [...new Map(rows.map(({ workflowId, runId }) => [workflowId, runId]))];
  const looked = await Promise.all(
    runs.map(async ([id, runId]) => [id, await gate.through(() => deps.temporal.workflow(id, runId))] as const),
  );
  return new Map(looked);
}

function newestOf(rows: readonly { workflowId: string }[]): { workflowId: string }[] {
  return rows.map(({ workflowId }) => ({ workflowId }));
}

function workflowClosed({ repairs, moment }: Facts, row: RemediationRow, seen: SeenRun | undefined): Candidate {
  const how = seen?.state === "closed" ? `${seen.how}${seen.at === null ? "" : ` at ${seen.at}`}` : "closed";
  const { remediationId, workflowId, target, phase } = row;
  const sentence = `${nameOf(target)} is open in the record (phase ${phase}), but its workflow has ended (${how})`;
  const repair = async (): Promise<string | null> => {
    if (repairs === null) return null;
    const { record, remediations } = repairs;
    // It may have closed after all between the two looks.
    if (!(await record.markNeedsHuman(remediationId, `the workflow ${workflowId} has ended: ${how}`))) return null;
    await record.orphanLeases(remediationId, `the workflow has ended: ${how}`);
    await record.leaveQueue(remediationId);
    await remediations.recover(target, { remediationId });
    return "its leases are orphaned (they go on counting), it has left the queue, its target's workflow settles what it had started";
  };
  const key = `WORKFLOW_CLOSED/${remediationId}`;
  const found = candidate({
    code: "WORKFLOW_CLOSED",
    part: "workflows",
    about: remediationId,
    severity: "page",
    sentence,
    ids: idsOf(row),
    next: show(remediationId),
    repair,
    // The recovery tells people how it ended; this is for when it does not come to its end.
    tellAfterMs: PATIENCE_MS,
  });
  const known = moment.known.get(key);
  const done = known?.done ?? null;
  const again = known === undefined || done === null || done.startsWith(NOT_DONE) || isDueAgain(known, moment.nowMs);
  return again ? found : { ...found, done, repair: null };
}

/** Once in each stretch of time since it was first seen. */
function isDueAgain({ firstSeenAt, lastSeenAt }: FindingRow, nowMs: number): boolean {
  const stretch = (atMs: number): number => Math.floor((atMs - Date.parse(firstSeenAt)) / RECOVER_AGAIN_MS);
  return stretch(nowMs) > stretch(Date.parse(lastSeenAt));
}

/** How a repair that failed is noted: it is tried again. */
export const NOT_DONE = "could not";

function workflowNotFound(deps: LookDependencies, row: RemediationRow): Candidate {
  return candidate({
    code: "WORKFLOW_NOT_FOUND",
    part: "workflows",
    about: row.remediationId,
    severity: "page",
    sentence:
      `${nameOf(row.target)} is open in the record (phase ${row.phase}), but namespace ${deps.temporal.namespace} does not ` +
      `know its workflow ${row.workflowId}, run ${row.runId}: nothing was touched, because that is not proof that it has ended`,
    ids: idsOf(row),
    next:
      `temporal workflow list --query "WorkflowId='${row.workflowId}'"   # is it the right namespace? ` +
      `If it has ended for certain: selfheal remediation recover ${row.remediationId}`,
  });
}

function forgot(deps: LookDependencies, notFound: RemediationRow[], open: number): Candidate {
  const { namespace } = deps.temporal;
  const targets = notFound.map((row) => nameOf(row.target));
  return candidate({
    code: "TEMPORAL_FORGOT",
    part: "workflows",
    about: "",
    severity: "page",
    sentence:
      `Temporal's namespace ${namespace} knows almost none of the ${open} open remediations (${some(targets)}): it is the ` +
      "wrong namespace or server, or one that was restored to an older state. Nothing is repaired before that is cleared",
    ids: { namespace },
    next: "selfheal doctor   # and compare TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE with those of the worker before",
  });
}

function isOverdue(row: RemediationRow, nowMs: number): boolean {
  return row.phaseUntil !== null && Date.parse(row.phaseUntil) + OVERDUE_MS < nowMs;
}

function overdue({ repairs, moment }: Facts, row: RemediationRow): Candidate {
  const key = `PHASE_OVERDUE/${row.remediationId}`;
  const hint = async (): Promise<string | null> => {
    await repairs?.remediations.hint(row.workflowId, `${row.remediationId}/overdue`);
    return "hinted it to look again";
  };
  const found = candidate({
    code: "PHASE_OVERDUE",
    part: "workflows",
    about: row.remediationId,
    severity: "page",
    sentence: `${nameOf(row.target)}: phase ${row.phase} (${row.doing}) should have ended at ${row.phaseUntil}`,
    ids: idsOf(row),
    next: show(row.remediationId),
    repair: hint,
    tellAfterMs: PATIENCE_MS,
  });
  // One hint: each grows its history.
  const done = moment.known.get(key)?.done ?? null;
  return done === null ? found : { ...found, done, repair: null };
}

interface TaskSuspect {
  workflowId: string;
  row: RemediationRow | null;
}

/** Those without a deadline of their own, or beyond it, and those that the record does not know; some in each sweep. */
async function lookAtTasks(facts: Facts, alive: RemediationRow[]): Promise<Candidate[]> {
  const { deps, moment, running, open, openComplete } = facts;
  const restless = alive.filter((row) => row.phaseUntil === null || isOverdue(row, moment.nowMs));
  const recorded = new Set(open.map((row) => row.workflowId));
  const unrecorded = [...running.values()].filter(
    (one) => openComplete && !recorded.has(one.workflowId) && Date.parse(one.startedAt) + UNRECORDED_MS <= moment.nowMs,
  );
  const suspects: TaskSuspect[] = [
    ...unrecorded.map(({ workflowId }) => ({ workflowId, row: null })),
    ...restless
      .filter((row) => Date.parse(row.openedAt) + LIST_LAG_MS <= moment.nowMs)
      .map((row) => ({ workflowId: row.workflowId, row })),
  ];
  const isKnown = ({ workflowId }: TaskSuspect): boolean =>
    moment.known.has(`STUCK/${workflowId}`) || moment.known.has(`UNRECORDED/${workflowId}`);
  const first = suspects.filter(isKnown);
  const window = [
    ...first,
    ...turnOf(
      suspects.filter((one) => !isKnown(one)),
      moment.nowMs,
    ),
  ].slice(0, MOST_TASK_LOOKS);
  const seen = await describe(deps, window);
  return window.flatMap((one) => taskFinding(one, seen.get(one.workflowId)));
}

/** Another part of the list every minute, so that each gets its turn without a memory. */
function turnOf<T>(items: T[], nowMs: number): T[] {
  if (items.length <= MOST_TASK_LOOKS) return items;
  const start = (Math.floor(nowMs / 60_000) * MOST_TASK_LOOKS) % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function taskFinding({ workflowId, row }: TaskSuspect, seen: SeenRun | undefined): Candidate[] {
  if (seen?.state !== "running") return [];
  const ids = row === null ? { workflowId } : idsOf(row);
  const common = { part: "workflows", about: workflowId, severity: "page", ids } as const;
  const stuck = whyStuck(seen);
  if (stuck !== null) {
    return [
      candidate({
        ...common,
        ...stuck,
        code: "STUCK",
        sentence: `the workflow ${workflowId} does not get on: ${stuck.sentence}`,
        next: `temporal workflow show --workflow-id '${workflowId}'`,
      }),
    ];
  }
  if (row !== null) return [];
  return [
    candidate({
      ...common,
      code: "UNRECORDED",
      sentence: `the workflow ${workflowId} runs, but the record has nothing open for it: was the database restored to an older state?`,
      next: `temporal workflow describe --workflow-id '${workflowId}'`,
      tellAfterMs: PATIENCE_MS,
    }),
  ];
}

function whyStuck({ taskAttempt, activity }: Extract<SeenRun, { state: "running" }>) {
  if (taskAttempt > STUCK_ATTEMPTS) {
    const sentence =
      `its workflow task is at try ${taskAttempt}. The namespace lacks a search attribute, a worker's code does not fit its ` +
      "history, or a bug";
    return { sentence };
  }
  if (activity === null || activity.attempt < STUCK_ACTIVITY_ATTEMPTS) return null;
  const { type, attempt, failure } = activity;
  return { sentence: `its activity ${type} is at try ${attempt}: ${failure}`, tellAfterMs: PATIENCE_MS };
}
