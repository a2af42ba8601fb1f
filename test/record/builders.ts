/** Small valid things with every field filled in; each test names only what it is about. */
import { randomUUID } from "node:crypto";
import type { Alert } from "../../src/contracts/alert.ts";
import type { CountedFacts } from "../../src/contracts/facts.ts";
import { effectKey, faultKey, workflowId } from "../../src/contracts/ids.ts";
import type { JsonObject } from "../../src/contracts/json.ts";
import type { Plan, PlanLimits, ScopeCap } from "../../src/contracts/plan.ts";
import type { TargetRef } from "../../src/contracts/target.ts";
import type { GuardrailResult, ReasonCode, Verdict } from "../../src/contracts/verdict.ts";
import { placeOf } from "../../src/catalogue/plan-modes.ts";
import { modesAt } from "../../src/policy/modes.ts";
import { evaluateCounted } from "../../src/policy/verdict.ts";
import type { AdmissionRequest, OpenEpisode, ReceivedAlert, RecordStore } from "../../src/record/api.ts";
import { canonicalJson, sha256 } from "../../src/record/canonical.ts";

export function host(id: string): TargetRef {
  return { kind: "host", id };
}

export function anAlert(changes: Partial<Alert> = {}): Alert {
  return {
    fingerprint: "f1",
    status: "firing",
    labels: { alertname: "SmartDiskFailing", host: "web-1" },
    annotations: {},
    startsAt: "2026-01-01T00:00:00.000Z",
    endsAt: null,
    source: "alertmanager",
    receivedAt: "2026-01-01T00:00:01.000Z",
    ...changes,
  };
}

export function received(changes: Partial<Alert> = {}, rest: Partial<ReceivedAlert> = {}): ReceivedAlert {
  const base = { target: host("web-1"), runbook: "disk", disposition: "received", reason: null } as const;
  return { alert: anAlert(changes), ...base, ...rest };
}

export function anEpisode(changes: Partial<OpenEpisode> = {}): OpenEpisode {
  const target = changes.target ?? host("web-1");
  return {
    remediationId: randomUUID(),
    target,
    workflowId: workflowId(target),
    runId: "run-1",
    runbook: "disk",
    group: "web",
    owner: "sre",
    severity: "warning",
    faults: [faultKey(anAlert())],
    ...changes,
  };
}

export interface PlanWish {
  target?: string;
  runbook?: string;
  group?: string;
  rack?: string | null;
  region?: string | null;
  severity?: Plan["severity"];
  caps?: ScopeCap[];
  limits?: Partial<PlanLimits>;
}

export function aPlan(wish: PlanWish = {}): Plan {
  const probe = { name: "probe", uses: "tcp.connect", with: {}, states: { unhealthy: "!open", healthy: "open" } };
  return {
    schema: 1,
    runbook: wish.runbook ?? "disk",
    runbookHash: "rb-1",
    owner: "sre",
    target: {
      ...host(wish.target ?? "web-1"),
      owner: "sre",
      group: wish.group ?? "web",
      rack: wish.rack ?? null,
      region: wish.region ?? null,
      services: [],
      labels: {},
      stateless: true,
      attributes: {},
    },
    severity: wish.severity ?? "warning",
    probe,
    flapWindowMs: 0,
    rungs: [],
    finish: { healthy: { restore: "atOnce", overMs: 0 }, escalate: { afterEffect: "page", beforeEffect: "ticket" } },
    limits: {
      cooldownMs: 0,
      attempts: { max: 3, windowMs: 3_600_000 },
      rate: null,
      caps: wish.caps ?? [],
      ...wish.limits,
    },
    approval: { roles: ["ops"], expiresMs: 3_600_000, onTimeout: "escalate" },
    harm: null,
    collected: {},
  };
}

export function cap(scope: string, max: number): ScopeCap {
  return { scope, max, because: `${max} by the test` };
}

export function hashOfPlan(plan: Plan): string {
  return sha256(canonicalJson(plan as unknown as JsonObject));
}

export function result(
  outcome: GuardrailResult["outcome"],
  code: ReasonCode,
  more: Partial<GuardrailResult> = {},
): GuardrailResult {
  return { guardrail: code.toLowerCase(), outcome, code, detail: `${code} by the test`, saw: {}, ...more };
}

/** A policy that knows only the caps, as the real one reads them. */
export function capPolicy(plan: Plan): (counted: CountedFacts) => GuardrailResult[] {
  return (counted) =>
    plan.limits.caps.map((one) => {
      const full = (counted.held[one.scope] ?? 0) >= one.max;
      return result(full ? "wait" : "pass", full ? (one.scope.startsWith("rack:") ? "RACK_CAP" : "GROUP_CAP") : "OK");
    });
}

export const verdict: Verdict = { outcome: "act", results: [], at: "2026-01-01T00:00:00.000Z" };

/** Opens an episode and puts the plan in force. */
export async function planned(record: RecordStore, plan: Plan, changes: Partial<OpenEpisode> = {}): Promise<string> {
  const target = host(plan.target.id);
  const episode = anEpisode({
    target,
    runbook: plan.runbook,
    group: plan.target.group,
    severity: plan.severity,
    ...changes,
  });
  const opened = await record.open({
    ...episode,
    faults: changes.faults ?? [faultKey(anAlert({ fingerprint: episode.remediationId }))],
  });
  if (opened.kind !== "opened") throw new Error(`not opened: ${JSON.stringify(opened)}`);
  await record.saveDecision(episode.remediationId, verdict, plan, hashOfPlan(plan), "cat-1");
  return episode.remediationId;
}

export function admitting(
  record: RecordStore,
  remediationId: string,
  plan: Plan,
  evaluate: AdmissionRequest["evaluate"] = capPolicy(plan),
) {
  return record.admit({ remediationId, plan, planHash: hashOfPlan(plan), evaluate });
}

/** The policy of production, where the files say `auto` everywhere. */
export function realPolicy(plan: Plan, planHash = hashOfPlan(plan)): AdmissionRequest["evaluate"] {
  const declared = { global: "auto", group: "auto", runbook: "auto" } as const;
  return (counted, now, sets) =>
    evaluateCounted(plan, { counted, now, planHash, modes: modesAt(declared, placeOf(plan), sets) });
}

export async function admitted(record: RecordStore, plan: Plan, changes: Partial<OpenEpisode> = {}): Promise<string> {
  const remediationId = await planned(record, plan, changes);
  const admission = await admitting(record, remediationId, plan);
  if (admission.status !== "admitted") throw new Error(`not admitted: ${JSON.stringify(admission)}`);
  return remediationId;
}

export function closing(remediationId: string, changes: Partial<Parameters<RecordStore["close"]>[0]> = {}) {
  const base = { outcome: "healed", needsHuman: false, detail: "in service", faults: [] } as const;
  return { remediationId, ...base, faults: [], ...changes };
}

export function anIntent(remediationId: string, changes: Partial<Parameters<RecordStore["beginEffect"]>[0]> = {}) {
  const step = changes.step ?? "drain";
  const direction = changes.direction ?? "apply";
  const key = effectKey({ remediationId, rung: "r1", step }, direction);
  const base = { rung: "r1", action: "loadbalancer.drain", attempt: 1, request: { pool: "web" } };
  return { key, remediationId, step, direction, ...base, ...changes };
}
