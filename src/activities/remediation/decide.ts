import type {
  AdmitReply,
  AdmitRequest,
  DecideReply,
  DecideRequest,
  DecisionReply,
  DecisionRequest,
} from "../../contracts/activities.ts";
import { quorumOf } from "../../contracts/ballot.ts";
import type { CountedFacts } from "../../contracts/facts.ts";
import { whyStrange, type Plan } from "../../contracts/plan.ts";
import type { GuardrailResult, ReasonCode, Verdict } from "../../contracts/verdict.ts";
import { resultOf, type Matched } from "../../catalogue/classify.ts";
import { consider } from "../../catalogue/consider.ts";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import { whyUnknown } from "../../catalogue/people.ts";
import { modesOfPlan } from "../../catalogue/plan-modes.ts";
import type { Tripped } from "../../record/api-guards.ts";
import { decide, evaluateCounted } from "../../policy/verdict.ts";
import type { ActivityDependencies } from "../dependencies.ts";
import { classifiedBy } from "./classified.ts";
import { notify } from "./close.ts";
import { readGroupHealth } from "./group-health.ts";
import { waitOutside } from "./outside-wait.ts";
import { startParent } from "./parent.ts";
import { mayBeUnsigned } from "./people.ts";
import { readSurroundings } from "./surroundings.ts";

/** Compiles the plan, reads the facts, calls the pure policy, records all of it. Consumes nothing. */
export async function decideRemediation(deps: ActivityDependencies, request: DecideRequest): Promise<DecideReply> {
  const alert = request.alerts[0];
  if (alert === undefined) throw deps.refuse("nothing to decide without an alert");
  const pinned = request.catalogueVersion;
  const active = await deps.catalogues.active();
  const catalogue = pinned === null ? active : await deps.catalogues.version(pinned);
  const classified = classifiedBy(catalogue, alert);
  if (classified.kind !== "matched") return noPlan(deps, request, catalogue, resultOf(catalogue, alert, classified));
  if (pinned === null && classified.runbook.hash !== request.runbookHash) return reclassified(classified);
  if (request.collected === null) {
    const detail = `the evidence could not be collected: ${request.collectDetail}`;
    return noPlan(deps, request, catalogue, planResult({ code: "FACTS_UNAVAILABLE", detail }));
  }
  const considered = consider(catalogue, classified, request.alerts, request.collected);
  if (considered.kind === "noPlan") return noPlan(deps, request, catalogue, planResult(considered));
  const { plan, planHash, facts } = considered;
  const { runbook, target } = classified;
  await readGroupHealth(deps, catalogue, target);
  await readSurroundings(deps, catalogue, runbook, plan, request.alerts);
  const { counted, now, modes } = await deps.record.countedFacts(request.remediationId, plan, planHash);
  const inForce = modesOfPlan({ pinned: catalogue, active }, plan, modes);
  const verdict = decide(plan, { ...facts, now, reading: request.reading, modes: inForce, counted });
  await deps.record.saveDecision(request.remediationId, verdict, plan, planHash, catalogue.version);
  // Observing changes nothing, and disturbs nobody.
  if (verdict.outcome !== "observe") {
    await tellTripped(
      deps,
      plan,
      request.remediationId,
      await deps.record.trip(request.remediationId, verdict.results),
    );
  }
  const { approvedBy } = counted;
  return { kind: "decided", verdict, plan, planHash, catalogueVersion: catalogue.version, approvedBy };
}

function reclassified({ runbook, probe }: Matched): DecideReply {
  return {
    kind: "reclassified",
    runbook: runbook.name,
    runbookHash: runbook.hash,
    probe,
    flapWindowMs: runbook.flapWindowMs,
  };
}

function planResult({ code, detail }: { code: ReasonCode; detail: string }): GuardrailResult {
  return { guardrail: "plan", outcome: "refuse", code, detail, saw: {} };
}

async function noPlan(
  deps: ActivityDependencies,
  request: DecideRequest,
  catalogue: Catalogue,
  result: GuardrailResult,
): Promise<DecideReply> {
  const verdict: Verdict = { outcome: "refuse", results: [result], at: await deps.record.now() };
  await deps.record.saveDecision(request.remediationId, verdict, null, null, catalogue.version);
  return { kind: "noPlan", verdict, catalogueVersion: catalogue.version };
}

function refuseStrange(deps: ActivityDependencies, plan: Plan): void {
  const why = whyStrange(plan);
  if (why !== null) throw deps.notByMe(why);
}

/** Law 14: who it is and whether he may is verified here, before the decision counts. */
export async function recordDecision(deps: ActivityDependencies, request: DecisionRequest): Promise<DecisionReply> {
  const saved = await deps.record.plan(request.remediationId);
  if (saved === null) return { status: "ignored", approvedBy: [], detail: "no plan waits for a decision" };
  refuseStrange(deps, saved.plan);
  // The active one, not the pinned: who has left the team since may not decide any more.
  const catalogue = await deps.catalogues.active();
  const now = await deps.record.now();
  const expiresAt = new Date(Date.parse(now) + saved.plan.approval.expiresMs).toISOString();
  const ignoredBecause = whyIgnored(catalogue, saved.plan, saved.planHash, request);
  const unsigned = mayBeUnsigned(catalogue.approvals.unsigned, saved.plan);
  const { roles } = saved.plan.approval;
  const quorum = quorumOf(saved.plan.approval);
  return deps.record.decide({ ...request, ignoredBecause, unsigned, roles, quorum, expiresAt });
}

function whyIgnored(catalogue: Catalogue, plan: Plan, planHash: string, request: DecisionRequest): string | null {
  if (request.planHash !== planHash) return `it is about another plan than ${planHash}`;
  return whyUnknown(catalogue, request.by, plan.approval.roles);
}

/** All leases and everything countable, or nothing. */
export async function admitRemediation(deps: ActivityDependencies, request: AdmitRequest): Promise<AdmitReply> {
  const saved = await deps.record.plan(request.remediationId);
  if (saved === null || saved.planHash !== request.planHash) {
    throw deps.refuse(`admission of plan ${request.planHash}, but the record has ${saved?.planHash ?? "none"}`);
  }
  const { remediationId } = request;
  const { plan, planHash } = saved;
  refuseStrange(deps, plan);
  const [pinned, active] = await Promise.all([
    deps.catalogues.version(saved.catalogueVersion),
    deps.catalogues.active(),
  ]);
  let seen: CountedFacts | null = null;
  const { tripped, ...admission } = await deps.record.admit({
    remediationId,
    plan,
    planHash,
    evaluate: (counted, now, sets) => {
      seen = counted;
      return evaluateCounted(plan, { counted, now, planHash, modes: modesOfPlan({ pinned, active }, plan, sets) });
    },
  });
  await tellTripped(deps, plan, remediationId, tripped);
  if (admission.status === "queued") {
    if (seen !== null) await waitOutside(deps, remediationId, plan, admission.results, seen);
    const doing = `in the queue: ${admission.detail}`;
    await deps.record.progress(remediationId, "admit", doing, admission.until);
  }
  return admission;
}

/** The page is recorded already: what does not go out now, the sweeper sends. */
async function tellTripped(
  deps: ActivityDependencies,
  { severity }: Plan,
  remediationId: string,
  tripped: readonly Tripped[],
): Promise<void> {
  for (const { key, route, title, text, parent } of tripped) {
    if (parent !== null) await startParent(deps, parent);
    await notify(deps, { remediationId, key, route, severity, title, text }).catch((error: unknown) => {
      deps.log.error({ remediationId, err: error }, title);
    });
  }
}
