import type { ConfirmReply, ConfirmRequest, HarmReading, ReadReply, ReadRequest } from "../../contracts/activities.ts";
import type { JsonObject } from "../../contracts/json.ts";
import type { PlanHarm } from "../../contracts/plan.ts";
import type { ProbeReading, ProbeSpec } from "../../contracts/probe.ts";
import type { Target } from "../../contracts/target.ts";
import { compileCollect } from "../../catalogue/compile.ts";
import { judge } from "../../catalogue/probe-state.ts";
import { AdapterError } from "../../ports/failure.ts";
import type { ActivityDependencies } from "../dependencies.ts";
import { isLeftOut } from "../effects.ts";
import { classifiedBy } from "./classified.ts";

export async function readProbe(deps: ActivityDependencies, spec: ProbeSpec): Promise<ProbeReading> {
  const port = deps.ports.probes[spec.uses];
  const at = await deps.record.now();
  if (port === undefined) {
    const reason = `this worker has no probe ${spec.uses}`;
    return { probe: spec.name, state: "unknown", reason, measured: {}, at };
  }
  return judge(spec, await port.measure(spec.with), at);
}

/** Reads the probe; after an unhealthy reading also the evidence, read-only, before anything is touched. */
export async function confirmFault(deps: ActivityDependencies, request: ConfirmRequest): Promise<ConfirmReply> {
  const { remediationId } = request;
  await deps.record.progress(remediationId, "confirm", `asking the probe of ${request.runbook}`, null);
  const reading = await readProbe(deps, request.probe);
  await deps.record.append(remediationId, `confirm/${reading.at}`, "confirmed", { reading: { ...reading } });
  if (reading.state !== "unhealthy") return { reading, collected: null, detail: "" };
  try {
    const collected = await collect(deps, request);
    await deps.record.append(remediationId, `collected/${reading.at}`, "collected", { collected });
    return { reading, collected, detail: "" };
  } catch (error) {
    if (!(error instanceof AdapterError || error instanceof CollectFailed)) throw error;
    return { reading, collected: null, detail: error.message };
  }
}

class CollectFailed extends Error {}

async function collect(deps: ActivityDependencies, request: ConfirmRequest): Promise<JsonObject> {
  const pinned = request.catalogueVersion;
  const catalogue = pinned === null ? await deps.catalogues.active() : await deps.catalogues.version(pinned);
  const alert = request.alerts[0];
  if (alert === undefined) throw deps.refuse("nothing to collect for without an alert");
  const classified = classifiedBy(catalogue, alert);
  if (classified.kind !== "matched") throw new CollectFailed(`the alert is not matched any more: ${classified.detail}`);
  const collected: JsonObject = {};
  for (const { id, uses, input } of compileCollect(catalogue, classified.runbook, classified.target, alert)) {
    collected[id] = await observeOnce(deps, request.remediationId, classified.target, { id, uses, input });
  }
  return collected;
}

async function observeOnce(
  deps: ActivityDependencies,
  remediationId: string,
  target: Target,
  item: { id: string; uses: string; input: JsonObject },
): Promise<JsonObject> {
  const action = deps.actions[item.uses];
  if (action === undefined) throw deps.refuse(`this worker does not know the action ${item.uses}`);
  const key = `${remediationId}/collect/${item.id}`;
  const now = await deps.record.now();
  const about = { remediationId, target, ports: deps.ports, leftOut: () => isLeftOut(deps, target) };
  const context = { key, applyKey: key, ...about, now, intendedAt: now };
  const seen = await action.perform.observe(context, action.input.parse(item.input) as never);
  if (seen.state === "happened") return seen.result;
  throw new CollectFailed(`${item.uses}: ${seen.state}: ${seen.detail}`);
}

/** Probes and the harm SLI as they are now. */
export async function readState(deps: ActivityDependencies, request: ReadRequest): Promise<ReadReply> {
  const { remediationId } = request;
  if (request.probes.length > 0) await deps.record.progress(remediationId, request.phase, request.doing, null);
  const readings = await Promise.all(request.probes.map((probe) => readProbe(deps, probe)));
  const at = readings[0]?.at ?? (await deps.record.now());
  const harm = request.harm === null ? null : await readHarm(deps, request.harm);
  if (readings.length > 0) {
    const body = { phase: request.phase, readings: readings.map((reading) => ({ ...reading })) };
    await deps.record.append(remediationId, `read/${at}`, "read", body);
  }
  const baseline = harm?.value ?? null;
  if (request.watchHarm && request.harm !== null && baseline !== null) {
    await watchHarm(deps, remediationId, request.harm, baseline);
  }
  return { readings, harm };
}

async function readHarm(deps: ActivityDependencies, harm: PlanHarm): Promise<HarmReading> {
  const reading = await deps.ports.metrics.scalar(harm.query, harm.maxAgeMs);
  return reading.ok
    ? { name: harm.name, value: reading.value, detail: `${harm.name} is ${reading.value}` }
    : { name: harm.name, value: null, detail: reading.reason };
}

/** The bulk watcher looks at the SLI while the workflow sleeps. */
async function watchHarm(
  deps: ActivityDependencies,
  remediationId: string,
  harm: PlanHarm,
  baseline: number,
): Promise<void> {
  const { query, maxAgeMs, better, worseBy } = harm;
  const bound = better === "higher" ? baseline - worseBy : baseline + worseBy;
  const ref = JSON.stringify({ query, maxAgeMs, better, bound });
  await deps.record.wait({
    key: `${remediationId}/harm`,
    remediationId,
    system: "metrics",
    ref,
    seen: "ok",
    until: null,
  });
}
