/**
 * Planted bugs on a real server: a throw, a search attribute that is gone, inputs that are too large and alerts that break
 * what reads them. Each ends in a close and a person who is told, or in a finding of the sweeper; never in a silent hang.
 */
import { randomUUID } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { classify } from "../../src/catalogue/classify.ts";
import type { Alert } from "../../src/contracts/alert.ts";
import { workflowId } from "../../src/contracts/ids.ts";
import { alertSignal, approveSignal, hintSignal, REMEDIATION_WORKFLOW } from "../../src/contracts/messages.ts";
import { webhookPayload } from "../../src/lab/alerts.ts";
import { startServer, type RunningServer } from "../../src/starters/http/serve.ts";
import { createStarterMetrics } from "../../src/starters/metrics.ts";
import { findOnly } from "../../src/watchers/sweep.ts";
import { temporalView } from "../../src/watchers/sweep-temporal.ts";
import { ensureSearchAttributes } from "../../src/workers/search-attributes.ts";
import { gateAt } from "../support/gate.ts";
import { fingerprintOf, POISON, poisonBody } from "../support/poison.ts";
import { devServer, LOG } from "../support/rig-server.ts";
import { UNTOUCHED } from "../support/rig-state.ts";
import { withRig, type Rig, type RigOptions } from "../support/rig.ts";

const env = await devServer();
afterAll(() => env.teardown());
const temporal = temporalView(env.client, env.address);

async function over(rig: Rig, ids: string[]): Promise<void> {
  for (const id of ids) await rig.soon(`${id} is over`, async () => !(await rig.isRunning(id)));
}

function told(rig: Rig): string {
  return rig.lab.world.messages.map(({ text }) => text).join("\n");
}

describe("the workflow's own code", () => {
  /** Each throws at an answer that is none: this one's of this host, and of the last one after its first effect. */
  const PLANTED: Record<string, string> = {
    "web-1": "remediation.assess",
    "web-2": "remediation.admit",
  };
  const ACTING = "web-3";

  it("that throws in a stage ends it there, takes back what was done, and a person is told", async () => {
    const failing = [...Object.keys(PLANTED), ACTING];
    const activities: RigOptions["activities"] = (real) =>
      Object.fromEntries(
        Object.entries(real).map(([name, run]) => [
          name,
          async (...args) => {
            const { target, watchHarm } = (args[0] ?? {}) as { target?: { id: string }; watchHarm?: boolean };
            // The baseline is watched; what is read behind an effect is not.
            const planted = watchHarm === false || PLANTED[target?.id ?? ""] === name;
            return planted ? null : run(...args);
          },
        ]),
      );
    await withRig(env, { failing, activities }, async (rig) => {
      await rig.alert();
      await over(rig, failing);
      // What was never opened stands in no record: a person is told all the same.
      expect(told(rig)).toContain("web-1: no runbook failed");
      for (const id of failing.slice(1)) {
        const state = await rig.state(id);
        expect(state).toMatchObject({ outcome: "failed", needsHuman: true, leases: [], told: ["page sent"] });
        expect(state.detail).toContain("a bug in selfheal");
      }
      expect((await rig.state(ACTING)).effects).toEqual({ silence: "happened", "silence/undo": "happened" });
      expect(failing.map((id) => rig.world(id))).toEqual(failing.map(() => UNTOUCHED));
    });
  });
});

describe("what comes by the webhook", () => {
  const serve = ({ record, remediations, catalogue }: Rig): Promise<RunningServer> =>
    startServer({
      record,
      remediations,
      classify: (alert) => classify(catalogue, alert),
      catalogueVersion: () => catalogue.version,
      active: () => Promise.resolve(catalogue),
      log: LOG,
      metrics: createStarterMetrics(),
      port: 0,
    });
  const post = (url: string, body: string): Promise<Response> =>
    fetch(`${url}/v1/alerts/alertmanager`, { method: "POST", headers: { "content-type": "application/json" }, body });

  it("and is poison is refused with the reason, or ends in a close, and a person is told", async () => {
    const observe: RigOptions = { runbook: (runbook) => void (runbook.mode = "observe") };
    await withRig(env, observe, async (rig) => {
      const server = await serve(rig);
      for (const name of Object.keys(POISON)) {
        const answer = await post(server.url, poisonBody(name, webhookPayload(rig.lab, { hosts: ["web-1"] })));
        expect(`${name}: ${answer.status} ${await answer.text()}`).toMatch(/: (200 \{|422 .*right would be)/);
      }
      await server.close();
      const alerts = await rig.record.alerts({ limit: 100 });
      const seen = new Map(alerts.map((alert) => [alert.fingerprint, alert]));
      const delivered = Object.keys(POISON).filter(
        (name) => seen.get(fingerprintOf(name))?.disposition === "delivered",
      );
      expect(delivered).toContain("names of Object's own properties");
      await rig.soon("all that was delivered is closed", async () => {
        const closed = (await rig.record.list({ limit: 100 })).filter((row) => row.closedAt !== null);
        const stories = await Promise.all(closed.map((row) => rig.record.story(row.remediationId)));
        const over = new Set(stories.flatMap((story) => story?.alerts.map((alert) => alert.fingerprint) ?? []));
        return delivered.every((name) => over.has(fingerprintOf(name)));
      });
      for (const alert of alerts) expect(["delivered", "ignored", "unmatched"]).toContain(alert.disposition);
      for (const { target, outcome, needsHuman } of await rig.record.list({ limit: 100 })) {
        // The fault is real, and the runbook only looks; whatever else it was, a person has it.
        if (target.id === "web-1") expect(outcome).toBe("observed");
        else expect({ outcome, needsHuman }).toEqual({ outcome: "refused", needsHuman: true });
        if (target.id !== "web-1") expect(told(rig)).toContain(`${target.id}: `);
      }
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });
});

describe("what is signalled past the API", () => {
  const ALERT: Alert = {
    fingerprint: "f1",
    status: "firing",
    labels: { alertname: "SmartDiskFailing", severity: "critical", host: "web-1", device: "/dev/sda" },
    annotations: {},
    startsAt: "2026-11-21T02:11:03.124Z",
    endsAt: null,
    source: "alertmanager",
    receivedAt: "2026-11-21T02:11:04.000Z",
  };

  it("and is too large, misshapen or no alert ends, and a person is told", async () => {
    await withRig(env, { failing: [] }, async (rig) => {
      const start = (id: string, message: unknown, target: object | null = { kind: "host", id }): Promise<unknown> =>
        env.client.workflow.signalWithStart(REMEDIATION_WORKFLOW, {
          taskQueue: rig.taskQueue,
          workflowId: workflowId({ kind: "host", id }),
          args: [{ target }],
          signal: alertSignal.name,
          signalArgs: [message],
        });
      const of = (fingerprint: string, change: object, remediationId: string = randomUUID()): unknown => {
        return { alert: { ...ALERT, fingerprint, ...change }, remediationId, joinKey: "disk-replacement" };
      };
      await start("web-1", of("too-large", { annotations: { summary: "x".repeat(1_500_000) } }));
      await start("web-2", of("misshapen", { labels: { host: "a\0b", rack: 7 } }));
      await start("web-3", { alert: null });
      await start("web-4", of("for-no-database", {}, "r\0"));
      await start("web-5", of("no-target", {}), null);
      await rig.handle("web-4").signal(hintSignal, null as never);
      await over(rig, ["web-1", "web-2", "web-3", "web-4", "web-5"]);
      // The ones that can be named: no runbook matches a name alone.
      for (const id of ["too-large", "misshapen"]) {
        await rig.soon(`${id} is closed`, async () => (await rig.outcomes(id, "unknown"))[0] === "refused");
        expect(await rig.state(id, "unknown")).toMatchObject({ needsHuman: true, effects: {}, leases: [] });
        expect(told(rig)).toContain(`${id}: no runbook refused, a person must look`);
      }
      for (const id of ["web-3", "web-4"]) expect(told(rig)).toContain(`${id}: a signal that is no alert was left out`);
      // Nothing can be done without a target: it has failed, where everybody can see it.
      expect((await rig.handle("web-5").describe()).status.name).toBe("FAILED");
      expect(rig.lab.world.messages).toHaveLength(4);
    });
  });
});

/** To the workflow task behind which it called this activity first. */
async function resetTo(rig: Rig, id: string, activity: string): Promise<void> {
  const handle = rig.handle(id);
  const { events } = await handle.fetchHistory();
  const scheduled = events?.map((event) => event.activityTaskScheduledEventAttributes);
  const first = scheduled?.find((one) => one?.activityType?.name === activity);
  await env.client.workflowService.resetWorkflowExecution({
    namespace: "default",
    workflowExecution: (await handle.describe()).raw.workflowExecutionInfo?.execution ?? null,
    workflowTaskFinishEventId: first?.workflowTaskCompletedEventId ?? null,
    reason: "by hand",
    requestId: randomUUID(),
  });
}

describe("a run that was reset", () => {
  it("to before its first effect and ends there: what it had done before the reset is taken back", async () => {
    let calls = 0;
    const [entered, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const activities: RigOptions["activities"] = (real) => ({
      ...real,
      // The first is the one behind the approval, the second that of the new run.
      "remediation.confirm": async (...args) => {
        if (++calls === 2) {
          entered.resolve();
          await opened.promise;
        }
        return real["remediation.confirm"]?.(...args);
      },
    });
    await withRig(env, { standingFor: [], activities }, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "approve", /approval/);
      await rig.decide("approve", "web-1", "grace");
      await rig.soonIn("web-1", "act", /sessions/);
      await resetTo(rig, "web-1", "remediation.confirm");
      await entered.promise;
      await rig.cancel("web-1");
      opened.resolve();
      await over(rig, ["web-1"]);
      const state = await rig.state("web-1");
      expect(state.effects).toMatchObject({ "drain/undo": "happened", "silence/undo": "happened" });
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true, leases: [], leftOut: false });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("while an effect of it is in flight: that comes late, and is there once", async () => {
    const gate = gateAt("monitoring.silence");
    await withRig(env, gate.options, async (rig) => {
      await rig.alert();
      await gate.entered;
      const execution = (await rig.handle("web-1").describe()).raw.workflowExecutionInfo?.execution ?? null;
      const { events } = await rig.handle("web-1").fetchHistory();
      await env.client.workflowService.resetWorkflowExecution({
        namespace: "default",
        workflowExecution: execution,
        workflowTaskFinishEventId: events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId ?? null,
        reason: "by hand",
        requestId: randomUUID(),
      });
      await rig.soon("the new run is as far", async () => {
        const { workflowExecutionInfo, pendingActivities } = (await rig.handle("web-1").describe()).raw;
        const names = (pendingActivities ?? []).map((one) => one.activityType?.name);
        return workflowExecutionInfo?.execution?.runId !== execution?.runId && names.includes("monitoring.silence");
      });
      gate.open();
      await rig.soonIn("web-1", "act", /sessions/);
      await rig.cancel("web-1");
      await over(rig, ["web-1"]);
      const state = await rig.state("web-1");
      expect(state).toMatchObject({ outcome: "cancelled", needsHuman: false, leases: [] });
      expect(state.effects).toMatchObject({ silence: "happened", "silence/undo": "happened" });
      expect(rig.lab.world.silences.size).toBe(1);
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });
});

describe("a search attribute that is taken from the namespace under a running worker", () => {
  /** Temporal gives a workflow task that failed out again ever later: the longer it was broken, the longer this takes. */
  const NEXT_TRY_MS = 120_000;

  it("is named with what brings it back, alerts are kept; put back, all goes on", async () => {
    const { operatorService } = env.connection;
    await withRig(env, { standingFor: [] }, async (rig) => {
      await rig.alert();
      const { planHash } = await rig.soonIn("web-1", "approve", /approval/);
      await operatorService.removeSearchAttributes({ namespace: "default", searchAttributes: ["SelfhealPhase"] });
      await rig.handle("web-1").signal(approveSignal, { planHash: planHash ?? "", by: "ada" });
      const id = workflowId({ kind: "host", id: "web-1" });
      await rig.soon("its workflow task fails", async () => {
        const seen = await temporal.workflow(id);
        return seen.state === "running" && seen.taskAttempt > 1;
      });
      rig.lab.world.failDisk("web-2");
      await expect(rig.alert({ hosts: ["web-2"] })).rejects.toThrow(/SelfhealPhase/);
      expect(await rig.record.undelivered(0, 10)).toMatchObject([{ target: { id: "web-2" } }]);
      const { found } = await findOnly({ record: rig.record, temporal, loadBalancer: null, log: LOG });
      expect(found.find(({ code }) => code === "ATTRIBUTES_MISSING")).toMatchObject({
        severity: "page",
        next: "temporal operator search-attribute create --namespace default --name SelfhealPhase --type Keyword",
      });
      await ensureSearchAttributes({ connection: env.connection, namespace: "default", mayAdd: true });
      // A query is refused while the task stands as failed: the record says how far it is.
      const outcome = expect.poll(async () => (await rig.story("web-1")).remediation.phase, { timeout: NEXT_TRY_MS });
      await outcome.toBe("act");
      await rig.alert({ hosts: ["web-2"] });
      expect(await rig.record.undelivered(0, 10)).toEqual([]);
      await rig.soonIn("web-2", "approve", /approval/);
      await rig.cancel("web-1");
      await rig.cancel("web-2");
      await over(rig, ["web-1", "web-2"]);
    });
  });
});
