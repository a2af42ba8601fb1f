/** The whole product on a real Temporal dev server, in real processes that are killed. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import { backtest } from "../../src/backtest/backtest.ts";
import { sideOf } from "../../src/backtest/side.ts";
import { loadCatalogue } from "../../src/catalogue/load.ts";
import type { JsonObject } from "../../src/contracts/json.ts";
import type { Verdict } from "../../src/contracts/verdict.ts";
import { exportAlerts } from "../../src/record/export.ts";
import { workflowId } from "../../src/contracts/ids.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import type { LabHost } from "../../src/lab/types.ts";
import { startCollector, type Collector } from "../support/collector.ts";
import { startLive, type Live } from "../support/live.ts";

/** Web hosts of different racks: the runbook works on one host of a rack at a time. */
const hosts: LabHost[] = makeFleet({ count: 120, seed: 7 });
const web = hosts.filter(
  (host, index) =>
    host.group === "web" && hosts.findIndex(({ rack, group }) => rack === host.rack && group === "web") === index,
);
const [first, second, third, fourth, fifth] = web.map(({ id }) => id) as [string, string, string, string, string];

let live: Live;
let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
  // Without a standing approval for `api`: those hosts ask a person, who has an hour of real time.
  live = await startLive({
    ...{ hosts, timeScale: 3600, standingFor: ["web"], approvalExpires: "3600h", ticketWebhook: true },
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
  });
});
afterAll(async () => {
  await live.stop();
  await collector.close();
});

const count = (host: string, what: string): number =>
  live.lab.world.log.filter((entry) => entry.host === host && entry.what === what).length;
const api = (): string => hosts.find(({ group }) => group === "api")?.id ?? "";

describe("the product in real processes", () => {
  it("heals through a SIGKILL of the worker and of the API in mid-run, and does nothing twice", async () => {
    live.lab.world.failDisk(first);
    await live.alert({ hosts: [first] });
    await expect.poll(() => count(first, "ticket-created")).toBe(1);
    const before = [live.stack.worker.pid, live.stack.serve.pid];
    void live.stack.worker.kill();
    void live.stack.serve.kill();
    const story = (await live.closed([first])).get(first);
    expect(story?.remediation.outcome).toBe("healed");
    expect(before).not.toContain(live.stack.worker.pid);
    expect([count(first, "ticket-created"), count(first, "rebuild-started"), count(first, "disk-swapped")]).toEqual([
      1, 1, 1,
    ]);
  });

  it("is found in Temporal by target, runbook, phase and outcome", async () => {
    live.lab.world.failDisk(second);
    await live.alert({ hosts: [second] });
    await live.closed([second]);
    const query = `SelfhealTarget = "host/${second}" AND SelfhealRunbook = "disk-replacement" AND SelfhealOutcome = "healed" AND SelfhealPhase = "closed"`;
    const found = async (): Promise<string[]> => {
      const ids: string[] = [];
      for await (const workflow of live.client.workflow.list({ query })) ids.push(workflow.workflowId);
      return ids;
    };
    await expect.poll(found).toEqual([workflowId({ kind: "host", id: second })]);
  });

  it("has left one trace, from the webhook to the close, and one id in every line of the log about it", async () => {
    const { remediation, links } = await live.api.story(second);
    const { traceId } = links;
    const ours = () => collector.spans.filter((span) => span.attributes["selfheal.target"] === `host/${second}`);
    await expect.poll(() => ours().map(({ name }) => name)).toContain("remediation");
    const trace = collector.spans.filter((span) => span.traceId === traceId);
    expect(ours().filter((span) => span.traceId !== traceId)).toEqual([]);
    expect(collector.refused).toEqual([]);
    const names = new Set(trace.map(({ name }) => name));
    const expected = ["webhook alertmanager", "remediation.assess", "open", "confirm", "decide", "remediation.admit"];
    expected.push("loadbalancer.drain", "ticket.open", "wait for tickets", "provisioner.rebuild", "remediation.close");
    expect(expected.filter((name) => !names.has(name))).toEqual([]);
    const systems = new Set(trace.map(({ attributes }) => attributes["peer.service"]));
    for (const system of ["prometheus", "haproxy", "request-tracker", "ironic"]) expect(systems).toContain(system);
    expect([...new Set(trace.map(({ service }) => service))].sort()).toEqual(["selfheal-serve", "selfheal-worker"]);
    const ids = new Set(trace.map(({ spanId }) => spanId));
    expect(ids.size).toBe(trace.length);
    expect(trace.filter(({ parentSpanId }) => !ids.has(parentSpanId ?? "")).map(({ name }) => name)).toEqual([
      "remediation",
    ]);

    const meant = new RegExp(`\\b(${second}|${remediation.remediationId})\\b`);
    for (const process of ["serve", "worker"]) {
      const about = live
        .logged(process)
        .split("\n")
        .filter((line) => meant.test(line));
      const idIn = (line: string): unknown => (JSON.parse(line) as Record<string, unknown>)["remediationId"];
      expect(about.filter((line) => idIn(line) !== remediation.remediationId)).toEqual([]);
      expect(about).not.toEqual([]);
    }
    expect(live.logged("worker")).toContain('"activity":"provisioner.rebuild"');
  });

  it("is found by one id in ticket, chat, record, trace and Temporal", async () => {
    const { remediation, alerts, effects, links } = await live.api.story(second);
    const { remediationId, workflowId } = remediation;
    const { tickets, messages } = live.lab.world;
    const ours = tickets.all().filter((ticket) => tickets.body(ticket).includes(remediationId));
    expect(ours.map(({ host }) => host)).toEqual([second]);
    const told = messages.map(({ body }) => JSON.stringify(body)).filter((text) => text.includes(remediationId));
    expect(told.filter((text) => !text.includes(second))).toEqual([]);
    expect(told).not.toEqual([]);
    expect(alerts.length * effects.length).toBeGreaterThan(0);
    expect(links.traceId).toBe(remediationId.replaceAll("-", ""));
    const found: string[] = [];
    for await (const one of live.client.workflow.list({ query: `SelfhealRemediationId = "${remediationId}"` })) {
      found.push(one.workflowId);
    }
    expect(found).toEqual([workflowId]);
    // By its beginning too, as people copy it out of a table.
    expect(await live.selfheal("remediation", "show", remediationId.slice(0, 13))).toContain(`host/${second}`);
  });

  it("says in its details what it waits for and how to approve, and takes an update from the temporal CLI", async () => {
    const host = api();
    live.lab.world.failDisk(host);
    await live.alert({ hosts: [host] });
    await expect.poll(async () => (await live.api.list({ target: `host/${host}` }))[0]?.phase).toBe("approve");
    const id = workflowId({ kind: "host", id: host });
    const described = await live.client.workflow
      .getHandle(id)
      .query<{ currentDetails: string }>("__temporal_workflow_metadata");
    expect(described.currentDetails).toContain("selfheal remediation approve");
    const story = await live.api.story(host);
    const input = JSON.stringify({ planHash: story.remediation.planHash, by: "ada" });
    await live.temporal(
      "workflow",
      "update",
      "execute",
      "--workflow-id",
      id,
      "--name",
      "remediation.approve",
      "--input",
      input,
    );
    expect((await live.closed([host])).get(host)?.remediation.outcome).toBe("healed");
  });

  it("takes a signal of the same name, as the Web UI sends it, and an approval by the selfheal command", async () => {
    const [, second_, third_] = hosts
      .filter(({ group }) => group === "api")
      .filter((host, index, all) => all.findIndex(({ rack }) => rack === host.rack) === index)
      .map(({ id }) => id) as [string, string, string];
    for (const host of [second_, third_]) live.lab.world.failDisk(host);
    await live.alert({ hosts: [second_, third_] });
    const waiting = async (): Promise<number> => (await live.api.list({ phase: "approve", open: "true" })).length;
    await expect.poll(waiting).toBe(2);
    const { planHash } = (await live.api.story(second_)).remediation;
    const input = JSON.stringify({ planHash, by: "grace", reason: "not today" });
    const id = workflowId({ kind: "host", id: second_ });
    await live.temporal("workflow", "signal", "--workflow-id", id, "--name", "remediation.reject", "--input", input);
    const out = await live.selfheal("remediation", "approve", third_, "--by", "ada", "--yes", "--json");
    expect(JSON.parse(out)).toMatchObject({ target: { id: third_ } });
    const stories = await live.closed([second_, third_]);
    expect(stories.get(second_)?.remediation).toMatchObject({
      outcome: "rejected",
      detail: expect.stringContaining("not today") as string,
    });
    expect(stories.get(third_)?.remediation.outcome).toBe("healed");
    expectEverywhere(third_, stories.get(third_)?.remediation.remediationId ?? "none");
  });

  it("cancels while it waits for the technician: all is taken back", async () => {
    live.lab.inject({ name: "technician-absent", host: third });
    live.lab.world.failDisk(third);
    await live.alert({ hosts: [third] });
    await expect.poll(() => count(third, "ticket-created")).toBe(1);
    await live.selfheal("remediation", "cancel", third, "--by", "ada", "--reason", "we retire it", "--yes");
    const story = (await live.closed([third])).get(third);
    expect(story?.remediation).toMatchObject({ outcome: "cancelled", needsHuman: false });
    expect(count(third, "ready")).toBe(1);
    live.lab.clear("technician-absent");
  });

  it("is cancelled in a safe state by `temporal workflow cancel` too", async () => {
    live.lab.inject({ name: "technician-absent", host: fourth });
    live.lab.world.failDisk(fourth);
    await live.alert({ hosts: [fourth] });
    await expect.poll(() => count(fourth, "ticket-created")).toBe(1);
    await live.temporal("workflow", "cancel", "--workflow-id", workflowId({ kind: "host", id: fourth }));
    expect((await live.closed([fourth])).get(fourth)?.remediation.outcome).toBe("cancelled");
    expect(count(fourth, "ready")).toBe(1);
  });

  it("starts one remediation for 500 concurrent posts of one alert", async () => {
    live.lab.world.failDisk(fifth);
    await Promise.all(Array.from({ length: 500 }, () => live.alert({ hosts: [fifth] })));
    await live.closed([fifth]);
    expect(await live.api.list({ target: `host/${fifth}` })).toHaveLength(1);
    expect(count(fifth, "ticket-created")).toBe(1);
  });

  it("decided as a backtest of its own alerts decides: the same verdicts for the same reasons", async () => {
    const stories = await Promise.all(
      (await live.api.list({ limit: "1000" })).map(({ remediationId }) => live.api.story(remediationId)),
    );
    const { catalogue } = await loadCatalogue(live.stack.lab?.configFolder ?? "", { actions: ACTIONS });
    if (catalogue === null) throw new Error("the lab's folder does not load");
    const evidence = new Map(
      stories.map((story) => [
        story.remediation.target.id,
        story.audit.find(({ kind }) => kind === "collected")?.body["collected"] as JsonObject | undefined,
      ]),
    );
    const decided = new Map<string, unknown>();
    await backtest({
      alerts: exportAlerts(live.stack.databaseUrl, {}),
      before: null,
      after: sideOf({
        catalogue,
        // The lab's hours are seconds, and a fleet of 120 is healed one test after the other.
        assumptions: {
          workMs: () => 1_000,
          approveAfterMs: 100,
          resetAfterMs: null,
          evidence: (_, alert) => evidence.get(alert.labels["host"] ?? "") ?? null,
        },
        onVerdict: (alert, verdict) => {
          const host = alert.labels["host"] ?? "";
          if (!decided.has(host)) decided.set(host, told(verdict));
        },
      }),
    });
    const lived = stories.map(
      ({ remediation, verdicts }) => [remediation.target.id, told(verdicts[0]?.verdict)] as const,
    );
    expect(lived.length).toBeGreaterThanOrEqual(8);
    expect(Object.fromEntries(decided)).toEqual(Object.fromEntries(lived));
  });
});

/** One id finds everything: in the logs of all processes, the ticket, and what people were told. */
function expectEverywhere(host: string, id: string): void {
  for (const [process, said] of [
    ["serve", "decision taken"],
    ["serve", "a ticket system woke a waiter"],
    ["worker", "hinted a waiter"],
  ] as const) {
    const lines = live.logged(process).split("\n");
    expect(
      lines.filter((line) => line.includes(said) && line.includes(id)).length,
      `${process}: ${said}`,
    ).toBeGreaterThan(0);
  }
  const tickets = live.lab.world.tickets.all().filter((ticket) => ticket.host === host);
  const written = tickets.map(({ transactions }) => transactions.map(({ attachment }) => attachment?.content).join());
  expect(written).toEqual([expect.stringContaining(id)]);
  expect(live.lab.world.messages.filter(({ text }) => text.includes(id)).length).toBeGreaterThan(0);
}

function told(verdict: Verdict | undefined) {
  return {
    outcome: verdict?.outcome,
    results: verdict?.results.map(({ guardrail, outcome, code }) => `${guardrail} ${outcome} ${code}`),
  };
}
