/** What people tell a remediation over the API: approve, reject, cancel, and the commands of a takeover. Through the
 * workflow's update, so that they hear at once whether it was taken; whether the person may decide, the workflow has checked before it counts (law 14). */
import { randomUUID } from "node:crypto";
import { WORDS, type Word } from "../contracts/ballot.ts";
import type { FaultHook } from "../contracts/fault-points.ts";
import type { JsonObject } from "../contracts/json.ts";
import { spelled } from "../contracts/remediation.ts";
import type { RecordStore, RemediationRow } from "../record/api.ts";
import type { TokenWish } from "../record/api-people.ts";
import { asConflict, ProblemError, throughRecord } from "./problems.ts";
import { DecisionRefused, type Decision, type Remediations } from "./remediations.ts";

export type DecisionKind = Decision["kind"];

export interface DecisionRequest {
  kind: DecisionKind;
  /** Remediation id, its unambiguous beginning, or a target. */
  id: string;
  by: string;
  reason: string | null;
  /** The plan that was looked at. Needed to approve; else left out it means the plan that waits now. */
  planHash: string | null;
  /** Of a takeover's command: where it stood when the person looked. */
  at: string | null;
  /** Of `markDone`. */
  result: JsonObject | null;
  via: "api" | "cli" | "page" | "chat";
  /** A one-time token that was given out for exactly this decision; left out: it is given out now. */
  token?: string;
}

export interface DecisionAnswer {
  remediationId: string;
  target: { kind: string; id: string };
  decision: DecisionKind;
  /** In whose name it was given. */
  by: string;
  planHash: string | null;
}

export interface DecisionDependencies {
  record: Pick<RecordStore, "find" | "issueToken" | "append">;
  remediations: Remediations;
  faultPoint?: FaultHook | undefined;
}

/** Enough for a worker that is just being restarted; the decision itself is used up at once. */
const TOKEN_TTL_MS = 10 * 60_000;

export async function decide(deps: DecisionDependencies, request: DecisionRequest): Promise<DecisionAnswer> {
  const row = await findRemediation(deps.record, request.id);
  if (row.closedAt !== null) {
    throw conflict(
      `remediation ${row.remediationId} of ${targetOf(row)} is closed already: ${row.outcome ?? "no outcome"}`,
    );
  }
  const decision = await toDecision(deps, request, row);
  deps.faultPoint?.("decision.issued", row.workflowId);
  try {
    const taken = await deps.remediations.decide(row.workflowId, decision);
    if (taken === "notRunning") throw lostWorkflow(row);
    deps.faultPoint?.("decision.sent", row.workflowId);
  } catch (error) {
    if (error instanceof DecisionRefused)
      throw conflict(`the remediation of ${targetOf(row)} did not take it: ${error.message}`);
    throw error;
  }
  const planHash = "planHash" in decision.message ? decision.message.planHash : null;
  return { remediationId: row.remediationId, target: row.target, decision: request.kind, by: request.by, planHash };
}

/** What a token may be for. A cancel needs none (ADR 37). */
export type TokenDecision = Exclude<DecisionKind, "cancel">;

export interface TokenRequest {
  id: string;
  by: string;
  decision: TokenDecision;
  /** Default: the plan that waits now. Of a takeover's command: null. */
  planHash: string | null;
  ttlMs: number | null;
  /** How the decision will come: by a signal, or from the page that asked for it. */
  via?: "signal" | "page";
}
export interface TokenAnswer {
  remediationId: string;
  workflowId: string;
  decision: TokenDecision;
  by: string;
  /** null: a takeover's command is about no plan. */
  planHash: string | null;
  token: string;
  expiresAt: string;
}

const SIGNAL_TOKEN_TTL_MS = 60 * 60_000;

/** A token to decide with later: by a signal (in Temporal's Web UI or its CLI), or by the page's confirmation. */
export async function tokenFor(deps: DecisionDependencies, request: TokenRequest): Promise<TokenAnswer> {
  const { by, decision, via = "signal" } = request;
  const row = await findRemediation(deps.record, request.id);
  const { remediationId, workflowId } = row;
  if (row.closedAt !== null) throw conflict(`remediation ${remediationId} is closed already: ${row.outcome ?? ""}`);
  const planHash = isWord(decision) ? planOfToken(request, row) : noPlanOfCommand(request);
  const ttlMs = request.ttlMs ?? SIGNAL_TOKEN_TTL_MS;
  const issued = await issue(deps, { remediationId, planHash, person: by, decision, via, ttlMs });
  return { remediationId, workflowId, decision, by, planHash, ...issued };
}

function issue({ record }: DecisionDependencies, wish: TokenWish): ReturnType<RecordStore["issueToken"]> {
  return throughRecord("give out a one-time token", () => record.issueToken(wish).catch(asConflict));
}

function planOfToken({ planHash: given }: TokenRequest, row: RemediationRow): string {
  const { remediationId, planHash: current, phase } = row;
  const planHash = given ?? current;
  if (planHash === null) throw conflict(`remediation ${remediationId} has no plan yet: it is in phase ${phase}`);
  if (planHash === current) return planHash;
  throw conflict(`planHash: got ${planHash}, but the plan of ${remediationId} is ${current ?? "none"}`);
}

function noPlanOfCommand({ decision, planHash }: TokenRequest): null {
  if (planHash === null) return null;
  const faults = [
    {
      field: "planHash",
      value: planHash.slice(0, 100),
      wouldBeRight: `nothing: ${spelled(decision)} is about no plan`,
    },
  ];
  throw new ProblemError({
    status: 422,
    slug: "bad-field",
    title: "A field is wrong",
    detail: `planHash: ${spelled(decision)} is about no plan`,
    faults,
  });
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

async function toDecision(
  deps: DecisionDependencies,
  request: DecisionRequest,
  row: RemediationRow,
): Promise<Decision> {
  const { kind, by, via, at, result } = request;
  // With its id, so that it cannot hit the next remediation of the target.
  const { remediationId } = row;
  const person = { by, remediationId, ...(request.reason === null ? {} : { reason: request.reason }) };
  if (kind === "cancel") {
    // It needs no token, so that it counts always: what is known of who asked is written down here.
    const body = { what: kind, by, via };
    await throughRecord("write down who asked", () =>
      deps.record.append(remediationId, `asked:${randomUUID()}`, "asked", body),
    );
    return { kind, message: person };
  }
  const planHash = isWord(kind) ? planOf({ ...request, kind }, row) : null;
  const wish = { remediationId, planHash, person: by, decision: kind, via, ttlMs: TOKEN_TTL_MS };
  const token = request.token ?? (await issue(deps, wish)).token;
  if (isWord(kind)) return { kind, message: { ...person, token, planHash: planHash ?? "" } };
  const place = { ...(at === null ? {} : { at }), ...(result === null ? {} : { result }) };
  return { kind, message: { ...person, token, ...place } };
}

type Decided = DecisionRequest & { kind: Word };

function isWord(kind: DecisionKind): kind is Word {
  return (WORDS as readonly string[]).includes(kind);
}

function planOf({ kind, planHash: given }: Decided, row: RemediationRow): string {
  const planHash = given ?? (kind === "approve" ? null : row.planHash);
  if (planHash === null) throw noPlan(kind, row);
  return planHash;
}

function noPlan(kind: Word, row: RemediationRow): ProblemError {
  if (kind !== "approve") {
    return conflict(
      `the remediation of ${targetOf(row)} has no plan to ${kind} yet: it is in phase ${row.phase}; cancel it instead`,
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
      `${row.workflowId}: it was terminated (the sweeper has it recovered) or is of another namespace (see recover)`,
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
