import { randomUUID } from "node:crypto";
import { MockActivityEnvironment } from "@temporalio/testing";
import pino, { type Logger } from "pino";
import { Registry } from "prom-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { httpProbe } from "../../src/adapters/direct/http-probe.ts";
import { Guarded } from "../../src/adapters/guarded.ts";
import { httpJson, type HttpJson } from "../../src/adapters/http.ts";
import { logFields, traceIdOf, type Tracer } from "../../src/ports/trace.ts";
import { Secret } from "../../src/ports/secret.ts";
import type { RecordStore } from "../../src/record/api.ts";
import { createIngest } from "../../src/starters/ingest.ts";
import { createStarterMetrics } from "../../src/starters/metrics.ts";
import { startExporter, type Exporter } from "../../src/tracing/exporter.ts";
import { spanCounter } from "../../src/tracing/metrics.ts";
import { bridge } from "../../src/workers/runtime.ts";
import { KnownRuns, scoped } from "../../src/workers/scoped.ts";
import type { WholeStory } from "../../src/workers/whole-trace.ts";
import { httpStub, outside, type Stub } from "../adapters/support.ts";
import { row } from "../cli/support/story.ts";
import { alertFor, batchOf, RECEIVED_AT } from "../starters/support/bodies.ts";
import { classifyByHost, FakeRemediations } from "../starters/support/fakes.ts";
import { startCollector, type Collector } from "../support/collector.ts";

const PLANTED = "hunter2-planted";
let collector: Collector;
let vendor: Stub;
let exporter: Exporter;
let lines: Record<string, unknown>[];
let log: Logger;

beforeEach(async () => {
  collector = await startCollector();
  vendor = await httpStub(({ url }) =>
    url.startsWith("/broken")
      ? { status: 500, body: { message: `bad token ${PLANTED}` } }
      : { body: { answer: PLANTED } },
  );
  lines = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  log = pino({ level: "debug", mixin: logFields }, { write });
  exporter = exporting({ everyMs: 3_600_000 });
});
afterEach(async () => {
  await exporter.close();
  await collector.close();
  vendor.close();
});

function exporting(times: { everyMs: number; closeMs?: number }): Exporter {
  const origin = { service: "selfheal-test", version: "1", instance: "1@here" };
  const url = `${collector.url}/v1/traces`;
  return startExporter({ url, headers: {}, origin, fetch, log, counter: spanCounter(new Registry()), ...times });
}

function vendorClient(): HttpJson {
  const guarded = new Guarded({ system: "ironic", clock: outside.clock, secrets: [new Secret(PLANTED)] });
  const headers = (): Record<string, string> => ({ authorization: `Bearer ${PLANTED}` });
  return httpJson({ guarded, fetch, url: vendor.url, headers });
}

const ask = (client: HttpJson, operation: string, path: string): Promise<unknown> =>
  client({ operation, kind: "read", method: "GET", path, query: { secret: PLANTED }, accept: z.unknown() });

/** As a worker runs them. */
function activitiesWith(tracer: Tracer | null, story: WholeStory | null, runs = new KnownRuns()) {
  const client = vendorClient();
  const activities = {
    "remediation.confirm": async (request: { remediationId: string; target?: object }) => {
      log.info("asking the probe");
      await ask(client, "read node", "/fine");
      return { kind: "confirmed", about: request.remediationId };
    },
    "loadbalancer.drain": async (_request: object) => {
      await ask(client, "set power", "/broken");
    },
    "remediation.close": async (_request: { remediationId: string }) => ({ auditHead: "h" }),
    "probe.measure": async ({ url }: { remediationId: string; url: string }) => {
      await httpProbe(outside).measure({ url });
    },
    "watch.run": async (_request: object) => {
      log.info("watching");
      await ask(client, "list nodes", "/fine");
    },
  };
  const record = { story: async () => story } as unknown as Pick<RecordStore, "story">;
  return scoped(activities, { tracer, runs, record, log });
}

const run = <A, R>(activity: (request: A) => Promise<R>, request: A): Promise<R> =>
  new MockActivityEnvironment({ attempt: 2 }, { logger: bridge(pino({ level: "silent" })) }).run(activity, request);

/** A body with one firing alert goes in; answers the id that it was given. */
async function webhook(tracer: Tracer | null): Promise<string> {
  const remediationId = randomUUID();
  const record = {
    receive: async (alerts: unknown[]) => alerts.map(() => ({ faultKey: "f", deliver: true, decidedBy: null })),
    markDelivered: async () => undefined,
  } as unknown as RecordStore;
  const remediations = new FakeRemediations();
  const metrics = createStarterMetrics();
  const newId = (): string => remediationId;
  const starter = createIngest({ record, remediations, classify: classifyByHost, log, metrics, newId, tracer });
  await starter.ingest(batchOf(alertFor("web-1", { receivedAt: new Date().toISOString() })));
  return remediationId;
}

function storyOf(remediationId: string): WholeStory {
  const at = (minute: number): string => `2026-11-21T10:${String(minute).padStart(2, "0")}:00.000Z`;
  const remediation = {
    ...row(),
    ...{ remediationId, openedAt: at(1), closedAt: at(59), outcome: "healed", runbook: "disk-replacement" },
  } as WholeStory["remediation"];
  const entry = (minute: number, kind: string, body: object) => ({ at: at(minute), kind, body });
  return {
    remediation,
    alerts: [{ receivedAt: RECEIVED_AT }] as WholeStory["alerts"],
    waits: [{ system: "tickets", ref: "42", since: at(20), doneAt: at(50) }] as WholeStory["waits"],
    audit: [
      entry(2, "progress", { phase: "approve" }),
      entry(12, "progress", { phase: "confirm" }),
      entry(13, "command", { command: "take", status: "ignored" }),
    ] as unknown as WholeStory["audit"],
  };
}

describe("a traced remediation", () => {
  it("is one trace: webhook, stages, effects with their attempts, requests to other systems, waits, the whole", async () => {
    const id = await webhook(exporter);
    const activities = activitiesWith(exporter, storyOf(id));
    const target = { kind: "host", id: "web-1" };
    await run(activities["remediation.confirm"], { remediationId: id, target });
    const effect = { remediationId: id, target, rung: "replace", step: "drain", direction: "apply" };
    await expect(run(activities["loadbalancer.drain"], effect)).rejects.toThrow("ironic set power");
    await run(activities["remediation.close"], { remediationId: id });
    await exporter.close();

    const { spans } = collector;
    expect([...new Set(spans.map(({ traceId }) => traceId))]).toEqual([id.replaceAll("-", "")]);
    const byId = new Map(spans.map((span) => [span.spanId, span.name]));
    const tree = spans.map(({ name, parentSpanId }) => `${byId.get(parentSpanId ?? "") ?? "-"} > ${name}`);
    expect(tree.sort()).toEqual([
      "- > remediation",
      "loadbalancer.drain > ironic set power",
      "remediation > loadbalancer.drain",
      "remediation > remediation.close",
      "remediation > remediation.confirm",
      "remediation > wait for people",
      "remediation > wait for tickets",
      "remediation > webhook alertmanager",
      "remediation.confirm > ironic read node",
    ]);
    const named = (name: string) => spans.find((span) => span.name === name);
    expect(named("remediation.confirm")?.attributes).toMatchObject({
      ...{ "selfheal.remediation.id": id, "selfheal.target": "host/web-1", "selfheal.result": "confirmed" },
      "temporal.activity.attempt": 2,
    });
    expect(named("loadbalancer.drain")).toMatchObject({
      failed: true,
      attributes: { "selfheal.rung": "replace", "selfheal.step": "drain", "error.type": "transient" },
    });
    expect(named("ironic set power")?.attributes).toEqual({
      ...{ "peer.service": "ironic", "selfheal.operation": "set power", "selfheal.call": "read" },
      ...{ "http.request.method": "GET", "http.response.status_code": 500, "error.type": "transient" },
    });
    expect(named("remediation")).toMatchObject({
      startTimeUnixNano: `${BigInt(Date.parse(RECEIVED_AT)) * 1_000_000n}`,
      attributes: { "selfheal.outcome": "healed", "selfheal.runbook": "disk-replacement" },
    });
    const lasted = (name: string): number => {
      const { startTimeUnixNano = "0", endTimeUnixNano = "0" } = named(name) ?? {};
      return Number((BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 60_000_000_000n);
    };
    expect([lasted("remediation"), lasted("wait for people"), lasted("wait for tickets")]).toEqual([59, 10, 30]);
  });

  it("names the span of a request to the system that is asked, and only there", async () => {
    const id = randomUUID();
    const activities = activitiesWith(exporter, null);
    await run(activities["remediation.confirm"], { remediationId: id });
    await run(activities["probe.measure"], { remediationId: id, url: vendor.url });
    await run(activities["watch.run"], {});
    await run(activitiesWith(null, null)["remediation.confirm"], { remediationId: id });
    await exporter.close();
    const sent = vendor.seen.map(({ headers }) => headers["traceparent"]);
    const spanOf = (name: string) => collector.spans.find((span) => span.name === name)?.spanId ?? "none";
    const expected = ["ironic read node", "http.get measure"].map((name) => `00-${traceIdOf(id)}-${spanOf(name)}-01`);
    expect(sent).toEqual([...expected, undefined, undefined]);
  });

  it("shows no secret, no address and nothing of a body", async () => {
    const id = randomUUID();
    const activities = activitiesWith(exporter, storyOf(id));
    await run(activities["remediation.confirm"], { remediationId: id });
    await run(activities["loadbalancer.drain"], { remediationId: id }).catch(() => undefined);
    await exporter.close();
    expect(collector.spans).toHaveLength(4);
    expect(collector.bodies.join()).not.toContain(PLANTED);
    expect(collector.bodies.join()).not.toContain(vendor.url);
    expect(vendor.seen).toHaveLength(2);
  });

  it("closed twice is the same spans again, and one that is not closed has none of the whole", async () => {
    const id = randomUUID();
    const activities = activitiesWith(exporter, storyOf(id));
    for (let i = 0; i < 2; i += 1) await run(activities["remediation.close"], { remediationId: id });
    const open = { ...storyOf(id), remediation: { ...storyOf(id).remediation, closedAt: null } };
    await run(activitiesWith(exporter, open)["remediation.close"], { remediationId: id });
    await exporter.close();
    const whole = collector.spans.filter(({ name }) => name !== "remediation.close");
    expect(whole).toHaveLength(6);
    expect(new Set(whole.map(({ spanId }) => spanId)).size).toBe(3);
  });

  it("has the trace id that its own id says; what is no id of ours has none", () => {
    expect(traceIdOf("0af76519-16cd-43dd-8448-eb211c80319c")).toBe("0af7651916cd43dd8448eb211c80319c");
    for (const other of ["", "r-1", "0AF76519-16CD-43DD-8448-EB211C80319C", "0af7651916cd43dd8448eb211c80319c"]) {
      expect(traceIdOf(other)).toBeNull();
    }
  });

  it("is not held up by a collector that never answers", async () => {
    collector.status = "silent";
    const slow = exporting({ everyMs: 1, closeMs: 1 });
    const activities = activitiesWith(slow, null);
    const id = randomUUID();
    await run(activities["remediation.confirm"], { remediationId: id });
    await expect.poll(() => collector.bodies.length).toBe(1);
    await run(activities["remediation.confirm"], { remediationId: id });
    expect(vendor.seen).toHaveLength(2);
    expect(collector.bodies).toHaveLength(1);
    await slow.close();
  });

  it("is not joined by what belongs to no remediation", async () => {
    await run(activitiesWith(exporter, null)["watch.run"], {});
    await exporter.close();
    expect(collector.bodies).toEqual([]);
    expect(lines).toEqual([expect.not.objectContaining({ remediationId: expect.anything() as unknown })]);
  });
});

describe("one id in the log", () => {
  it.each(["traced", "not traced"])("stands in every line of a remediation that is %s", async (how) => {
    const tracer = how === "traced" ? exporter : null;
    const runs = new KnownRuns();
    const id = await webhook(tracer);
    const activities = activitiesWith(tracer, storyOf(id), runs);
    await run(activities["remediation.confirm"], { remediationId: id, target: { kind: "host", id: "web-1" } });
    const { runId } = new MockActivityEnvironment().context.info.workflowExecution ?? {};
    bridge(log, runs).warn("Activity failed", { workflowRunId: runId });
    bridge(log, runs).warn("Workflow task failed", { runId });
    await exporter.close();

    expect(lines.map(({ msg }) => msg)).toEqual([
      "alert received",
      "asking the probe",
      "remediation.confirm done",
      "Activity failed",
      "Workflow task failed",
    ]);
    expect(lines.filter(({ remediationId }) => remediationId !== id)).toEqual([]);
    const [, inside, done] = lines;
    expect(inside?.["trace_id"]).toBe(how === "traced" ? traceIdOf(id) : undefined);
    expect(done).toMatchObject({
      ...{ activity: "remediation.confirm", target: "host/web-1", attempt: 2, result: "confirmed" },
      durationMs: expect.any(Number) as number,
    });
    expect(collector.spans).toHaveLength(how === "traced" ? 3 : 0);
  });

  it("is not put into the SDK's lines once the remediation has closed, and the memory of runs is bounded", async () => {
    const runs = new KnownRuns();
    const id = randomUUID();
    const { "remediation.close": close } = activitiesWith(null, storyOf(id), runs);
    runs.note("other", id);
    await run(close, { remediationId: id });
    const { runId } = new MockActivityEnvironment().context.info.workflowExecution ?? {};
    expect([runs.of(runId), runs.of("other"), runs.of(undefined)]).toEqual([null, id, null]);
    for (let i = 0; i < 10_000; i += 1) runs.note(`run-${i}`, id);
    expect([runs.of("other"), runs.of("run-0")]).toEqual([null, id]);
  });
});
