/** A worker's connections follow its folder and its secrets; everything else is none of its business. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildPorts, livePorts } from "../../src/adapters/build.ts";
import type { Connections } from "../../src/adapters/connections.ts";
import { projectPath } from "../../src/config/project.ts";
import { liveConnections, type LiveConnections } from "../../src/workers/live-connections.ts";
import { httpStub, outside } from "../adapters/support.ts";

let folder: string;
let live: LiveConnections;
let told: Connections[];
const env: Record<string, string> = {};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "selfheal-connections-"));
  await cp(projectPath("examples", "first-remediation"), folder, { recursive: true });
  Object.assign(env, { RT_TOKEN: "one", SLACK_WEBHOOK_URL: "http://127.0.0.1:1/x", BMC_PASSWORD: "two" });
  told = [];
  live = liveConnections(folder, pino({ level: "silent" }), () => ({ env: { ...env }, readFile: () => "secret" }));
  await live.open();
  live.watch((connections) => void told.push(connections));
});
afterEach(async () => {
  await live.stop();
  await rm(folder, { recursive: true });
});

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(join(folder, file), "utf8");
  expect(text).toContain(from);
  await writeFile(join(folder, file), text.replace(from, to));
  await live.look();
  await live.look();
}

test("an edit of a connection is told once, and is the one in use", async () => {
  await edit("selfheal.yaml", "http://prometheus.example.net:9090", "http://other.example.net:9090");
  expect(told.map(({ prometheus }) => prometheus?.url)).toEqual(["http://other.example.net:9090"]);
  expect(live.connections).toBe(told[0]);
});

test("another secret is told, without an edit", async () => {
  env["RT_TOKEN"] = "another";
  await live.look();
  await live.look();
  expect(told.map(({ tickets }) => tickets?.token.reveal())).toEqual(["another"]);
});

test("a secret that is gone keeps the connections of before", async () => {
  const before = live.connections;
  delete env["RT_TOKEN"];
  await live.look();
  await live.look();
  expect([told, live.connections]).toEqual([[], before]);
});

test("edits of anything else, right or wrong, change no connection", async () => {
  await edit("selfheal.yaml", "mode: observe", "mode: review");
  await edit("inventory.yaml", "targets:", "targets: [");
  expect(told).toEqual([]);
});

test("whoever holds a port reaches the new system from the next call on", async () => {
  const [first, second] = [await httpStub(() => ({ body: [] })), await httpStub(() => ({ body: [] }))];
  let current = buildPorts({ alertmanager: { url: first.url } }, outside);
  const { silences } = livePorts(() => current);
  await silences.active();
  current = buildPorts({ alertmanager: { url: second.url } }, outside);
  await silences.active();
  expect([first.seen.length, second.seen.length]).toEqual([1, 1]);
  first.close();
  second.close();
});
