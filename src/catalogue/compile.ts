/** A runbook filled in for one target: the probe, the evidence to collect, the plan. Pure: the same in, the same out. */
import { severityOf, SEVERITIES, type Alert, type Severity } from "../contracts/alert.ts";
import type { Json, JsonObject } from "../contracts/json.ts";
import { isJsonObject } from "../contracts/json.ts";
import { MAX_PLAN_BYTES, PLAN_SCHEMA, type Plan, type PlanHarm } from "../contracts/plan.ts";
import type { ProbeSpec } from "../contracts/probe.ts";
import type { Target } from "../contracts/target.ts";
import type { ReasonCode } from "../contracts/verdict.ts";
import { bindingsOf } from "./bindings.ts";
import { canonicalJson, hashOf, sha256 } from "./canonical.ts";
import type { Actions, Catalogue, Runbook } from "./catalogue.ts";
import { compileLimits } from "./compile-limits.ts";
import { checkedInput, compileStep } from "./compile-step.ts";
import { CompileError } from "./compile-error.ts";
import { evaluateCondition } from "./expression.ts";
import type { ProbeDefinition } from "./grammar/common.ts";
import { prepareInput } from "./inputs.ts";
import { PROBE_KINDS } from "./probe-kinds.ts";
import { escapePromql, fill, type FillOptions } from "./template.ts";

export { CompileError } from "./compile-error.ts";

export type NotCompiled = { code: ReasonCode; detail: string };
export type Compiled = { plan: Plan; planHash: string } | NotCompiled;

/** The runbook's probe for this target. Throws CompileError when a value in it is missing or empty. */
export function compileProbe(catalogue: Catalogue, runbook: Runbook, target: Target, alert: Alert): ProbeSpec {
  return fillProbe("probe", runbook.spec.probe, bindingsOf(catalogue, target, alert), catalogue.timeScale);
}

/** What to read before anything is touched. Throws CompileError when a value in it is missing or empty. */
export function compileCollect(
  catalogue: Catalogue,
  runbook: Runbook,
  target: Target,
  alert: Alert,
): { id: string; uses: string; input: JsonObject }[] {
  const bindings = bindingsOf(catalogue, target, alert);
  return runbook.spec.collect.map(({ id, uses, with: written }) => {
    const where = `collect ${id}`;
    const action = Object.hasOwn(catalogue.actions, uses) ? catalogue.actions[uses] : undefined;
    if (action === undefined) throw new CompileError("PLAN_INVALID", `${where}: this program has no action ${uses}`);
    const filled = fillOrThrow(where, written, bindings);
    return { id, uses, input: checkedInput(where, action, filled, catalogue.timeScale) };
  });
}

/** The runbook's `require` over target and evidence (null: not read yet): `holds` null when it cannot be evaluated. */
export function requirement(
  catalogue: Catalogue,
  runbook: Runbook,
  target: Target,
  alert: Alert,
  collected: JsonObject | null,
): { holds: boolean | null; detail: string } {
  const text = runbook.spec.require;
  const result = evaluateCondition(text, bindingsOf(catalogue, target, alert, collected ?? undefined));
  if (!result.ok) return { holds: null, detail: `require cannot be evaluated: ${result.reason}` };
  return { holds: result.value, detail: `${text} is ${result.value} for ${target.id}` };
}

/** The plan, or why none can be made. */
export function compilePlan(
  catalogue: Catalogue,
  runbook: Runbook,
  target: Target,
  alerts: readonly Alert[],
  collected: JsonObject,
  actions: Actions,
): Compiled {
  const built = tryBuild({ catalogue, runbook, target, alerts, collected, actions });
  if (!("plan" in built)) return built;
  const text = canonicalJson(asJson(built.plan));
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_PLAN_BYTES) return { plan: built.plan, planHash: sha256(text) };
  return { code: "PLAN_INVALID", detail: `the plan has ${bytes} bytes, at most ${MAX_PLAN_BYTES} are allowed` };
}

function tryBuild(parts: Omit<Parts, "alert">): { plan: Plan } | NotCompiled {
  const [alert] = parts.alerts;
  if (alert === undefined) return { code: "PLAN_INVALID", detail: "there is no alert to make a plan for" };
  try {
    return { plan: build({ ...parts, alert }) };
  } catch (error) {
    if (error instanceof CompileError) return { code: error.code, detail: `${parts.runbook.name}: ${error.message}` };
    throw error;
  }
}

/**
 * The plan as far as it can be made before the evidence is read: what needs evidence stays as it is written. For looking
 * at alone: it is never approved or run.
 */
export function sketchPlan(
  catalogue: Catalogue,
  runbook: Runbook,
  target: Target,
  alerts: readonly Alert[],
  actions: Actions,
): { plan: Plan } | NotCompiled {
  return tryBuild({ catalogue, runbook, target, alerts, collected: null, actions });
}

export function planHashOf(plan: Plan): string {
  return hashOf(asJson(plan));
}

function asJson(plan: Plan): Json {
  return plan as unknown as Json;
}

interface Parts {
  catalogue: Catalogue;
  runbook: Runbook;
  target: Target;
  alert: Alert;
  alerts: readonly Alert[];
  /** null: not read yet. */
  collected: JsonObject | null;
  actions: Actions;
}

function build({ catalogue, runbook, target, alert, alerts, collected, actions }: Parts): Plan {
  const { spec } = runbook;
  const bindings = bindingsOf(catalogue, target, alert, collected ?? undefined);
  const { timeScale } = catalogue;
  const quorum = spec.approval?.quorum ?? 1;
  return {
    schema: PLAN_SCHEMA,
    runbook: runbook.name,
    runbookHash: runbook.hash,
    owner: target.owner === "" ? runbook.owner : target.owner,
    target,
    severity: worstSeverity(alerts),
    probe: compileProbe(catalogue, runbook, target, alert),
    flapWindowMs: spec.flapWindow,
    rungs: spec.ladder.map((rung) => ({
      name: rung.rung,
      steps: rung.steps.map((step) => compileStep(step, bindings, actions, timeScale)),
      verify: {
        holdMs: rung.verify.hold,
        withinMs: rung.verify.within,
        also: rung.verify.also.map((name) => fillProbe(name, namedProbe(catalogue, name), bindings, timeScale)),
      },
    })),
    finish: compileFinish(runbook),
    limits: compileLimits(catalogue, runbook, target, alerts),
    approval: {
      roles: spec.approval?.roles ?? catalogue.approvals.roles,
      ...(quorum > 1 ? { quorum } : {}),
      expiresMs: spec.approval?.expires ?? DEFAULT_EXPIRES_MS / timeScale,
      onTimeout: spec.approval?.onTimeout ?? "escalate",
    },
    harm: compileHarm(catalogue, runbook, bindings),
    collected: collected ?? {},
  };
}

/** As in the grammar: `approval.expires` of a runbook that has no `approval`. */
const DEFAULT_EXPIRES_MS = 4 * 3_600_000;

function compileFinish({ spec }: Runbook): Plan["finish"] {
  const { restore, over } = spec.finish.healthy;
  return { healthy: { restore, overMs: over ?? 0 }, escalate: spec.finish.escalate };
}

function worstSeverity(alerts: readonly Alert[]): Severity {
  const present = alerts.map((alert) => severityOf(alert.labels));
  return SEVERITIES.find((severity) => present.includes(severity)) ?? "warning";
}

function namedProbe(catalogue: Catalogue, name: string): ProbeDefinition {
  const probe = Object.hasOwn(catalogue.probes, name) ? catalogue.probes[name] : undefined;
  if (probe === undefined) throw new CompileError("PLAN_INVALID", `selfheal.yaml has no probe ${name}`);
  return probe;
}

function compileHarm(catalogue: Catalogue, { spec }: Runbook, bindings: JsonObject): PlanHarm | null {
  if (spec.harm === undefined) return null;
  const { sli: name } = spec.harm;
  const sli = Object.hasOwn(catalogue.slis, name) ? catalogue.slis[name] : undefined;
  const worseBy = spec.harm.worseBy ?? sli?.worseBy;
  if (sli === undefined || worseBy === undefined) {
    throw new CompileError("PLAN_INVALID", `selfheal.yaml has no SLI ${name} with a bound (worseBy)`);
  }
  const options = { escape: escapePromql, keepCollected: bindings["collected"] === undefined };
  const { query } = fillOrThrow(`SLI ${name}`, { query: sli.query }, bindings, options);
  return { name, query: typeof query === "string" ? query : "", maxAgeMs: sli.maxAge, better: sli.better, worseBy };
}

function fillProbe(name: string, definition: ProbeDefinition, bindings: JsonObject, scale: number): ProbeSpec {
  const kind = PROBE_KINDS[definition.uses];
  if (kind === undefined) throw new CompileError("PLAN_INVALID", `${definition.uses} is no kind of probe`);
  const filled: JsonObject = {};
  for (const [key, value] of Object.entries(definition.with)) {
    const options = kind.promql.includes(key) ? { escape: escapePromql } : {};
    Object.assign(filled, fillOrThrow(name, { [key]: value }, bindings, options));
  }
  const { input, notDurations } = prepareInput(kind.input, filled, scale);
  const checked = kind.input.safeParse(input);
  if (!checked.success || notDurations.length > 0) {
    const key = notDurations[0] ?? checked.error?.issues[0]?.path.join(".");
    throw new CompileError("PLAN_INVALID", `${name}: ${key} is not what ${definition.uses} takes`);
  }
  return { name, uses: definition.uses, with: input, states: definition.states };
}

function fillOrThrow(where: string, value: JsonObject, bindings: JsonObject, options: FillOptions = {}): JsonObject {
  const filled = fill(value, bindings, options);
  if (!filled.ok) throw new CompileError("FACTS_UNAVAILABLE", `${where}: ${filled.reason}`);
  return isJsonObject(filled.value) ? filled.value : {};
}
