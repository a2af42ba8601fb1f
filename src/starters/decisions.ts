/** What people tell a remediation over the API: approve, reject, cancel. Through the workflow's update, so that they hear
 * at once whether it was taken; whether the person may decide, the workflow has checked before it counts (law 14). */
import type { RecordStore, RemediationRow } from "../record/api.ts";
import { ProblemError, throughRecord } from "./problems.ts";
import { DecisionRefused, type Decision, type Remediations } from "./remediations.ts";

export type DecisionKind = Decision["kind"];

export interface DecisionRequest {
  kind: DecisionKind;
  /** Remediation id, its unambiguous beginning, or a target. */
  id: string;
  by: string;
  reason: string | null;
  /** The plan that was looked at. Needed to approve; a reject without it means the plan that waits now. */
  planHash: string | null;
  via: "api" | "cli";
}

export interface DecisionAnswer {
  remediationId: string;
  target: { kind: string; id: string };
  decision: DecisionKind;
  planHash: string | null;
}

export async function decide(
  deps: { record: Pick<RecordStore, "find">; remediations: Remediations },
  request: DecisionRequest,
): Promise<DecisionAnswer> {
  const row = await findRemediation(deps.record, request.id);
  if (row.closedAt !== null) {
    throw conflict(
      `remediation ${row.remediationId} of ${targetOf(row)} is closed already: ${row.outcome ?? "no outcome"}`,
    );
  }
  const decision = toDecision(request, row);
  try {
    const taken = await deps.remediations.decide(row.workflowId, decision);
    if (taken === "notRunning") throw lostWorkflow(row);
  } catch (error) {
    if (error instanceof DecisionRefused)
      throw conflict(`the remediation of ${targetOf(row)} did not take it: ${error.message}`);
    throw error;
  }
  const planHash = decision.kind === "cancel" ? null : decision.message.planHash;
  return { remediationId: row.remediationId, target: row.target, decision: request.kind, planHash };
}

export async function findRemediation(record: Pick<RecordStore, "find">, id: string): Promise<RemediationRow> {
  const row = await throughRecord("look the remediation up", () => record.find(id));
  if (row !== null) return row;
  throw new ProblemError({
    status: 404,
    slug: "no-such-remediation",
    title: "No such remediation",
    detail: `no remediation has the id ${id.slice(0, 100)}, one beginning of only one, or a target of that name; see \`selfheal remediation list\``,
  });
}

function toDecision(request: DecisionRequest, row: RemediationRow): Decision {
  const { kind, by, via } = request;
  const reason = request.reason === null ? {} : { reason: request.reason };
  if (kind === "cancel") return { kind, message: { by, ...reason } };
  const planHash = request.planHash ?? (kind === "reject" ? row.planHash : null);
  if (planHash === null) throw noPlan(kind, row);
  return { kind, message: { planHash, by, via, ...reason } };
}

function noPlan(kind: DecisionKind, row: RemediationRow): ProblemError {
  if (kind === "reject") {
    return conflict(
      `the remediation of ${targetOf(row)} has no plan to reject yet: it is in phase ${row.phase}; cancel it instead`,
    );
  }
  return new ProblemError({
    status: 422,
    slug: "bad-field",
    title: "The plan's hash is missing",
    detail: "planHash is missing: an approval counts for exactly the plan that was looked at",
    faults: [
      {
        field: "planHash",
        value: "nothing",
        wouldBeRight: `the planHash that GET /v1/remediations/${row.remediationId} shows`,
      },
    ],
  });
}

function lostWorkflow(row: RemediationRow): ProblemError {
  return conflict(
    `the record says that remediation ${row.remediationId} of ${targetOf(row)} is open, but Temporal runs no workflow ` +
      `${row.workflowId}: it was terminated or is of another namespace`,
  );
}

function conflict(detail: string): ProblemError {
  return new ProblemError({
    status: 409,
    slug: "not-taken",
    title: "The remediation did not take the decision",
    detail,
  });
}

function targetOf(row: RemediationRow): string {
  return `${row.target.kind}/${row.target.id}`;
}
