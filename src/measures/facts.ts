/** One closed remediation as the measures count it (docs/measures.md says why). Pure. */
import type { MeasuredRow } from "../contracts/measures.ts";
import { between, covered, peopleSpans } from "./spans.ts";

/** Times are milliseconds. */
export interface Measured {
  remediationId: string;
  runbook: string | null;
  group: string;
  outcome: MeasuredRow["outcome"];
  critical: boolean;
  /** ISO. */
  closedAt: string;
  /** Something was sent to change the world. */
  acted: boolean;
  /** From the start of the alert to the end; null: not healed, or no alert says when it began. */
  repairMs: number | null;
  /** The same without waiting for people and technicians. */
  ownRepairMs: number | null;
  /** From the alert's arrival to the first effect; null: there was none. */
  startMs: number | null;
  /** The same without waiting for people. */
  ownStartMs: number | null;
  /** Healed, and no person approved it or laid a hand on it. */
  alone: boolean;
  /** The probe's last word before something was sent was healthy. */
  onHealthy: boolean;
  /** What a person said afterwards: it may come long after the end. */
  review: MeasuredRow["review"];
  escalated: boolean;
  rolledBack: boolean;
  /** In the unit of the budgets; null: it was never admitted. */
  cost: number | null;
  auditLagMs: number | null;
}

export function toMeasured(row: MeasuredRow): Measured {
  const { remediationId, runbook, group, outcome, closedAt, firstEffectAt, cost, auditLagMs } = row;
  const people = peopleSpans(row);
  const acted = firstEffectAt !== null;
  const healed = outcome === "healed";
  const began = since(row, row.startedAt);
  const arrived = arrivedAt(row);
  const repair = healed && began !== null ? { from: began, to: closedAt } : null;
  const start = acted && arrived !== null ? { from: arrived, to: firstEffectAt } : null;
  const touched = row.approved || row.marks.some(({ kind }) => kind === "held" || kind === "command");
  return {
    ...{ remediationId, runbook, group, outcome, closedAt, acted, cost, auditLagMs },
    critical: row.severity === "critical",
    repairMs: repair && between(repair.from, repair.to),
    ownRepairMs: repair && between(repair.from, repair.to) - covered([...people, ...row.ticketWaits], repair),
    startMs: start && between(start.from, start.to),
    ownStartMs: start && between(start.from, start.to) - covered(people, start),
    alone: healed && !touched,
    onHealthy: acted && stateBefore(row, firstEffectAt) === "healthy",
    review: row.review,
    escalated: row.needsHuman || outcome === "escalated" || outcome === "failed",
    rolledBack: row.effects.some(({ direction, state }) => direction === "undo" && state !== "notHappened"),
  };
}

/** An alert that fires on after an earlier remediation of its target counts from the end of that one. */
function since({ previousClosedAt }: MeasuredRow, at: string | null): string | null {
  if (at === null || Number.isNaN(Date.parse(at))) return null;
  if (previousClosedAt === null) return at;
  return Date.parse(previousClosedAt) > Date.parse(at) ? previousClosedAt : at;
}

/**
 * A fault that arrived before the remediation before it ended either waited for that, or fires again since: its row tells
 * of the first time alone.
 */
function arrivedAt({ receivedAt, previousClosedAt, openedAt }: MeasuredRow): string | null {
  if (receivedAt === null || previousClosedAt === null) return receivedAt;
  return Date.parse(previousClosedAt) > Date.parse(receivedAt) ? openedAt : receivedAt;
}

/** The probe's last word before something was sent. */
function stateBefore({ marks }: MeasuredRow, firstEffectAt: string): string | null {
  const readings = marks.filter(({ kind, at }) => (kind === "confirmed" || kind === "read") && at <= firstEffectAt);
  return readings.at(-1)?.what ?? null;
}
