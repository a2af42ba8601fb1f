/** Temporal comes back as another one, or in an older state, under the same address: real processes, real stores. */
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEnv } from "../../src/config/env.ts";
import { workflowId } from "../../src/contracts/ids.ts";
import { webhookPayload } from "../../src/lab/alerts.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import type { RecordStore } from "../../src/record/api.ts";
import { openRecord } from "../../src/record/record.ts";
import { currentBundle } from "../../src/workers/bundle.ts";
import { obtainTemporalCli } from "../../src/workers/temporal-cli.ts";
import { startDevServer, type DevServer } from "../../src/workers/temporal-server.ts";
import { startLive, type Live } from "../support/live.ts";

const hosts = makeFleet({ count: 120, seed: 7 });
const isFirstOfRack = ({ rack, group }: (typeof hosts)[number], index: number): boolean =>
  hosts.findIndex((other) => other.rack === rack && other.group === group) === index;
const [held, later, third] = hosts
  .filter((host, index) => host.group === "web" && isFirstOfRack(host, index))
  .map(({ id }) => id) as [string, string, string];

let folder: string;
let cli: string;
let server: DevServer;
let live: Live;
let record: RecordStore;

/** In memory without a file: a server that was set up anew. */
async function startTemporal(port: number, file?: string): Promise<void> {
  const dbFile = file === undefined ? {} : { dbFile: join(folder, file) };
  server = await startDevServer({ cli, port, uiPort: null, ...dbFile });
}
const port = (): number => Number(server.address.split(":")[1]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "selfheal-restored-"));
  cli = (await obtainTemporalCli(readEnv(), () => undefined)).path;
  await startTemporal(0, "ours.sqlite");
  process.env["TEMPORAL_ADDRESS"] = server.address;
  live = await startLive({ hosts, timeScale: 600, standingFor: ["web"], workerArgs: ["--sweep-every", "1000"] });
  record = await openRecord(live.stack.databaseUrl);
});
afterAll(async () => {
  await record.end();
  await live.stop();
  await server.stop();
  delete process.env["TEMPORAL_ADDRESS"];
  await rm(folder, { recursive: true, force: true });
});

const count = (host: string, what: string): number =>
  live.lab.world.log.filter((entry) => entry.host === host && entry.what === what).length;
/** What was done to it: the lab's own entries are its faults. */
const acts = (host: string): string[] =>
  live.lab.world.log.filter((entry) => entry.host === host && entry.system !== "lab").map(({ what }) => what);
const pages = (about: string): string[] =>
  live.lab.world.messages.map(({ text }) => text).filter((text) => text.includes(about));
const ready = async (): Promise<{ status: number; body: string }> => {
  const response = await fetch(`${live.stack.urls.api}/readyz`);
  return { status: response.status, body: await response.text() };
};
const post = (body: unknown): Promise<Response> =>
  fetch(`${live.stack.urls.api}/v1/alerts/alertmanager`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
const leasesOf = async (host: string): Promise<string[]> => {
  const row = await record.find(`host/${host}`);
  return (await record.leases()).filter((one) => one.remediationId === row?.remediationId).map((one) => one.state);
};
/** As a platform does. */
async function startWorker(): Promise<void> {
  const { codePath } = await currentBundle();
  await live.stack.supervisor.start({
    name: "worker",
    args: ["worker", "--bundle", codePath, "--watch-every", "200", "--sweep-every", "1000"],
    env: {
      DATABASE_URL: live.stack.databaseUrl,
      TEMPORAL_ADDRESS: server.address,
      SELFHEAL_CONFIG: live.stack.lab?.configFolder,
      SELFHEAL_LOG_FORMAT: "json",
    },
  });
}

describe("a Temporal that was set up anew under the same address", () => {
  it("stops the worker, pages once, gets nothing, and everything goes on when the right one is back", async () => {
    live.lab.inject({ name: "technician-absent", host: held });
    live.lab.world.failDisk(held);
    await live.alert({ hosts: [held] });
    await expect.poll(() => count(held, "ticket-created")).toBe(1);
    const before = acts(held);
    const old = port();
    await server.stop();
    await startTemporal(old);

    // The worker ends; started again, it refuses with both names.
    await expect(live.stack.supervisor.failed).rejects.toThrow(
      /belongs to Temporal namespace default \(.+\) at .+ but/,
    );
    await expect.poll(ready).toMatchObject({ status: 503 });
    expect((await ready()).body).toContain("selfheal temporal accept");

    // Alerts are kept in the record and answered so that the sender tries again; people can read.
    live.lab.world.failDisk(later);
    expect((await post(webhookPayload(live.lab, { hosts: [later] }))).status).toBe(503);
    expect((await record.undelivered(0, 10)).map((row) => row.target?.id)).toEqual([later]);
    expect(await live.selfheal("remediation", "show", held)).toContain(held);
    await expect(live.selfheal("remediation", "cancel", held, "--by", "ada", "--yes")).rejects.toThrow(/temporal/i);

    expect(await live.client.workflow.count()).toMatchObject({ count: 0 });
    expect(acts(held)).toEqual(before);
    expect(new Set(await leasesOf(held))).toEqual(new Set(["held"]));
    expect(pages("TEMPORAL_FOREIGN")).toHaveLength(1);

    await server.stop();
    await startTemporal(old, "ours.sqlite");
    await startWorker();
    await expect.poll(ready).toMatchObject({ status: 200 });
    live.lab.clear("technician-absent");
    await expect.poll(async () => (await post(webhookPayload(live.lab, { hosts: [later] }))).status).toBe(200);
    const stories = await live.closed([later]);
    const healed = stories.get(later)?.remediation;
    expect(healed, healed?.detail).toMatchObject({ outcome: "healed" });
    expect([count(held, "ticket-created"), count(later, "ticket-created"), count(later, "rebuild-started")]).toEqual([
      1, 1, 1,
    ]);
    expect(pages("TEMPORAL_FOREIGN")).toHaveLength(1);
  }, 300_000);

  it("becomes the record's own by `selfheal temporal accept`, which names who and why", async () => {
    const env = { DATABASE_URL: live.stack.databaseUrl, TEMPORAL_ADDRESS: server.address };
    const who = ["--by", "anna", "--reason", "a test"];
    const wrong = live.selfhealWith(env, "temporal", "accept", "--namespace-id", "theirs", ...who);
    await expect(wrong).rejects.toThrow(/nothing was changed/);
    const home = await record.temporalHome();
    const again = await live.selfhealWith(env, "temporal", "accept", "--namespace-id", home?.namespaceId ?? "", ...who);
    expect(again).toContain("belongs to");
    await record.moveTemporal({ namespaceId: "burnt", namespace: "default", address: "old:7233" }, "ada", "a test");
    await live.selfhealWith(env, "temporal", "accept", "--namespace-id", home?.namespaceId ?? "", ...who);
    expect(await record.temporalHome()).toMatchObject({ namespaceId: home?.namespaceId, by: "anna" });
    await expect.poll(ready).toMatchObject({ status: 200 });
  });
});

describe("a Temporal that was restored to an older state", () => {
  it("knows nothing of the open remediation: it is paged, the next alert does nothing to its target, nothing is reaped", async () => {
    const at = port();
    await server.stop();
    await copyFile(join(folder, "ours.sqlite"), join(folder, "older.sqlite"));
    await startTemporal(at, "ours.sqlite");
    live.lab.inject({ name: "technician-absent", host: third });
    live.lab.world.failDisk(third);
    await expect.poll(async () => (await post(webhookPayload(live.lab, { hosts: [third] }))).status).toBe(200);
    await expect.poll(() => count(third, "ticket-created")).toBe(1);
    const before = await record.find(`host/${third}`);
    await server.stop();
    await startTemporal(at, "older.sqlite");

    const untouched = acts(third);
    const again = webhookPayload(live.lab, { hosts: [third] });
    for (const alert of again.alerts) alert.fingerprint = alert.fingerprint.replace(/^./, "0").replace(/.$/, "1");
    await expect.poll(async () => (await post(again)).status).toBe(200);
    const ended = async (): Promise<string> =>
      (await live.client.workflow.getHandle(workflowId({ kind: "host", id: third })).describe()).status.name;
    await expect.poll(ended).toBe("COMPLETED");
    await expect
      .poll(async () => (await record.findings()).map((row) => row.key), { interval: 1_000 })
      .toContain(`WORKFLOW_NOT_FOUND/${before?.remediationId}`);
    expect(await record.find(`host/${third}`)).toMatchObject({ remediationId: before?.remediationId, closedAt: null });
    expect(new Set(await leasesOf(third))).toEqual(new Set(["held"]));
    expect(acts(third)).toEqual(untouched);
    expect(pages("WORKFLOW_NOT_FOUND").filter((text) => text.includes(third))).toHaveLength(1);
  }, 300_000);
});
