/**
 * Alerts that were lost in an inbox: their workflow took them and ended (terminated, crashed) before an episode was opened
 * for them. They go back into the outbox, and out again to a new run; never to one that runs, whose history would grow.
 */
import { workflowId } from "../contracts/ids.ts";
import type { RecordStore } from "../record/api.ts";
import type { LostAlert } from "../record/api-sweep.ts";
import { Gate } from "../starters/gate.ts";
import type { Starter } from "../starters/ingest.ts";
import { candidate, some, type Candidate, type LookDependencies } from "./sweep-finding.ts";

/** A workflow opens its episode within seconds of its first alert. */
const TAKEN_UP_WITHIN_MS = 2 * 60_000;
const MOST_ALERTS = 500;
/** Descriptions in one sweep. */
const MOST_TARGETS = 50;
const LOOKS_AT_ONCE = 8;
const PATIENCE_MS = 10 * 60_000;

export interface InboxRepairs {
  record: Pick<RecordStore, "returnToOutbox">;
  starter: Pick<Starter, "redeliver">;
}

export async function lookAtInboxes(
  { record, temporal }: LookDependencies,
  repairs: InboxRepairs | null,
): Promise<Candidate[]> {
  const unattached = await record.lostAlerts(TAKEN_UP_WITHIN_MS, MOST_ALERTS);
  const byWorkflow = [...Map.groupBy(unattached, (alert) => workflowId(alert.target))].slice(0, MOST_TARGETS);
  const gate = new Gate(LOOKS_AT_ONCE);
  const looked = await Promise.all(
    byWorkflow.map(async ([id, alerts]) => ({ alerts, seen: await gate.through(() => temporal.workflow(id)) })),
  );
  const lost = looked.filter(({ seen }) => seen.state !== "running").flatMap(({ alerts }) => alerts);
  return lost.length === 0 ? [] : [alertsLost(lost, repairs)];
}

function alertsLost(lost: LostAlert[], repairs: InboxRepairs | null): Candidate {
  const due = lost.filter((alert) => alert.due).map((alert) => alert.faultKey);
  const repair = async (): Promise<string | null> => {
    if (repairs === null) return null;
    const returned = await repairs.record.returnToOutbox(due);
    const sent = await repairs.starter.redeliver({ olderThanMs: TAKEN_UP_WITHIN_MS, limit: MOST_ALERTS });
    return `${returned} put back into the outbox and sent again: ${sent.delivered} delivered, ${sent.failed} failed`;
  };
  const faults = lost.map((alert) => alert.faultKey);
  return candidate({
    code: "ALERTS_LOST",
    part: "inboxes",
    about: "",
    severity: "page",
    sentence: `${lost.length} alerts reached a workflow that has ended without taking them up (${some(faults, 3)})`,
    ids: { faultKey: faults[0] ?? "" },
    next: "selfheal doctor   # they are sent again, ever more rarely; did somebody terminate the workflow?",
    repair: due.length > 0 ? repair : null,
    tellAfterMs: PATIENCE_MS,
  });
}
