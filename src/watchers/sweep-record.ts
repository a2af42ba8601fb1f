/** What the record alone shows: alerts on their way for too long, leases and queue rows left behind, loose ends. */
import type { RecordStore } from "../record/api.ts";
import type { OrphanedLeases, UnsentEscalation } from "../record/api-sweep.ts";
import type { Starter } from "../starters/ingest.ts";
import { candidate, nameOf, show, some, type Candidate, type LookDependencies } from "./sweep-finding.ts";

/** An ingest that is at it now may take this long. */
const DELIVERED_WITHIN_MS = 60_000;
const MOST_ALERTS = 500;
const UNDELIVERED_PATIENCE_MS = 5 * 60_000;
/** Whoever has just closed, or just taken over, may still be settling. */
const LEFT_AFTER_MS = 30 * 60_000;
const MOST_LEFT = 200;

export async function lookAtAlerts(
  { record }: LookDependencies,
  starter: Pick<Starter, "redeliver"> | null,
): Promise<Candidate[]> {
  const rows = await record.undelivered(DELIVERED_WITHIN_MS, MOST_ALERTS);
  const oldest = rows[0];
  if (oldest === undefined) return [];
  const repair = async (): Promise<string | null> => {
    if (starter === null) return null;
    const sent = await starter.redeliver({ olderThanMs: DELIVERED_WITHIN_MS, limit: MOST_ALERTS });
    return `sent again: ${sent.delivered} delivered, ${sent.failed} failed`;
  };
  const faults = rows.map((row) => row.faultKey);
  return [
    candidate({
      code: "UNDELIVERED",
      part: "alerts",
      about: "",
      severity: "page",
      sentence: `${rows.length === MOST_ALERTS ? "at least " : ""}${rows.length} alerts were received and not delivered, the oldest at ${oldest.receivedAt} (${some(faults, 3)})`,
      ids: { faultKey: oldest.faultKey },
      next: "selfheal doctor   # is Temporal there, and does the alert's size or target stand in its way?",
      repair,
      tellAfterMs: UNDELIVERED_PATIENCE_MS,
    }),
  ];
}

export async function lookAtRecord(
  { record }: LookDependencies,
  repairs: Pick<RecordStore, "leaveQueue"> | null,
): Promise<Candidate[]> {
  const [orphaned, unsettled, queued] = await Promise.all([
    record.orphanedLeases(LEFT_AFTER_MS, MOST_LEFT),
    record.unsettledOfClosed(LEFT_AFTER_MS, MOST_LEFT),
    record.queueOfClosed(MOST_LEFT),
  ]);
  const byRemediation = Map.groupBy(unsettled, (effect) => effect.remediationId);
  return [
    ...[...byRemediation].map(([id, effects]) => unsettledEffects(id, effects)),
    // Of an open episode, or beside an unsettled effect, the other finding says it.
    ...orphaned
      .filter((one) => one.closedAt !== null && !byRemediation.has(one.remediationId))
      .map((one) => orphanedLeases(one)),
    ...queued.map((id) => queueLeft(id, repairs)),
  ];
}

function unsettledEffects(
  remediationId: string,
  effects: { key: string; action: string; direction: string; state: string; intentAt: string }[],
): Candidate {
  const what = effects.map(({ action, direction, state }) => `${action} ${direction} (${state})`);
  return candidate({
    code: "EFFECT_UNSETTLED",
    part: "record",
    about: remediationId,
    severity: "page",
    sentence: `the closed remediation ${remediationId} has started what nobody has seen the end of: ${some(what)}; its leases go on counting`,
    ids: { remediationId, effectKey: effects[0]?.key ?? "" },
    next: lookAndRelease(remediationId),
  });
}

function orphanedLeases({ remediationId, target, scopes, closedAt }: OrphanedLeases): Candidate {
  return candidate({
    code: "LEASES_ORPHANED",
    part: "record",
    about: remediationId,
    severity: "page",
    sentence: `${nameOf(target)}: the remediation that closed at ${closedAt} still holds ${some(scopes)}, because it is unknown what one of its effects did; they count against the limits`,
    ids: { remediationId, target: nameOf(target) },
    next: lookAndRelease(remediationId),
  });
}

function lookAndRelease(remediationId: string): string {
  return `${show(remediationId)}   # when you have looked: selfheal remediation release-leases ${remediationId} --reason "…"`;
}

function queueLeft(remediationId: string, repairs: Pick<RecordStore, "leaveQueue"> | null): Candidate {
  return candidate({
    code: "QUEUE_LEFT",
    part: "record",
    about: remediationId,
    severity: "info",
    sentence: `the closed remediation ${remediationId} still waits in the queue for capacity`,
    ids: { remediationId },
    next: show(remediationId),
    repair: async () => {
      await repairs?.leaveQueue(remediationId);
      return "taken out of the queue";
    },
  });
}

/** In one sweep: a dead receiver must not use up the sweep's time. */
const MOST_SENDS = 20;
const MOST_UNSENT = 200;

export async function lookAtEscalations(
  { record }: LookDependencies,
  send: ((one: UnsentEscalation) => Promise<void>) | null,
): Promise<Candidate[]> {
  const unsent = await record.unsentEscalations(MOST_UNSENT);
  // Whoever wrote it is just sending it.
  const late = unsent.filter((one) => one.due || one.attempts > 0);
  return late.map((one, index) => {
    const resend = async (): Promise<string | null> => {
      await send?.(one);
      return "sent now";
    };
    return candidate({
      code: "ESCALATION_UNSENT",
      part: "escalations",
      about: `${one.remediationId}/${one.key}`,
      severity: "warn",
      sentence: `people were not told of ${nameOf(one.target)} since ${one.at} (${one.route}): ${one.error ?? "no try came to its end"}`,
      ids: { remediationId: one.remediationId, target: nameOf(one.target) },
      next: `selfheal doctor   # are connections.channels right? The message stands in: ${show(one.remediationId)}`,
      repair: one.due && index < MOST_SENDS ? resend : null,
      // Telling is what does not work.
      tellAfterMs: null,
    });
  });
}
