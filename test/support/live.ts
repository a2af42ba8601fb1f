/**
 * The product as its users run it: real processes (Temporal dev server, PostgreSQL, worker, API) on free ports, and the
 * lab in scaled time. Slower than the rig, and nothing is left out.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Client, Connection } from "@temporalio/client";
import { expect } from "vitest";
import { writeLabFolder } from "../../src/cli/demo/lab-folder.ts";
import { startLabStack, type LabStack } from "../../src/cli/demo/lab-stack.ts";
import type { LabPlace, Stack } from "../../src/cli/process/stack.ts";
import { remediationApi, type RemediationApi } from "../../src/cli/remediation-api.ts";
import { projectPath } from "../../src/config/project.ts";
import { childEnv, readEnv } from "../../src/config/env.ts";
import { webhookPayload, type WebhookOptions } from "../../src/lab/alerts.ts";
import { startLab, type Lab } from "../../src/lab/lab.ts";
import type { LabHost, LabOptions } from "../../src/lab/types.ts";
import { Secret } from "../../src/ports/secret.ts";
import type { TellStory } from "../../src/starters/http/remediations.ts";

const run = promisify(execFile);

export interface LiveOptions {
  hosts: LabHost[];
  timeScale: number;
  lab?: Partial<LabOptions>;
  standingFor?: string[];
  runbooks?: string;
  approvalExpires?: string;
  /** More for the worker and the API. */
  workerArgs?: string[];
  env?: Record<string, string>;
  /** The lab's ticket system tells the API of each change. */
  ticketWebhook?: boolean;
  /** Changes the configuration before anybody reads it. */
  configure?: (folder: string) => Promise<void>;
  /** Each log line of the processes. */
  onLine?: (service: string, line: string) => void;
  /** What the API is asked with; default none. */
  token?: string;
}

export interface Live {
  stack: Stack;
  lab: Lab;
  /** The configuration that points at the lab. */
  configFolder: string;
  api: RemediationApi;
  /** What a process (`serve`, `worker`) has logged. */
  logged(service: string): string;
  client: Client;
  /** Posts what Alertmanager would post now; answers the API's answer. */
  alert(options?: WebhookOptions): Promise<Record<string, number>>;
  /** Runs `bin/selfheal …` against this API. Rejects with its stderr when it fails. */
  selfheal(...args: string[]): Promise<string>;
  /** With more in its environment. */
  selfhealWith(env: Record<string, string>, ...args: string[]): Promise<string>;
  temporal(...args: string[]): Promise<string>;
  /** Waits until every named target has a closed remediation. */
  closed(targets: string[], withinMs?: number): Promise<Map<string, TellStory>>;
  stop(): Promise<void>;
}

export async function startLive(options: LiveOptions): Promise<Live> {
  const lines = new Map<string, string[]>();
  const onLine = (service: string, line: string) => {
    lines.set(service, [...(lines.get(service) ?? []), line]);
    options.onLine?.(service, line);
  };
  const { stack, lab, configFolder } = await startLabStack(
    {
      lab: (place) => startLiveLab(options, place),
      ports: { port: 0, temporalPort: 0, uiPort: 0 },
      // What a killed server has written, the system still has: only the machine's own death would need it on the disk.
      databaseSettings: { fsync: "off" },
      workerArgs: ["--watch-every", "200", ...(options.workerArgs ?? [])],
      env: options.env ?? {},
    },
    { env: readEnv(), stop: new AbortController().signal, say: () => undefined, onLine },
  );
  const connection = await Connection.connect({ address: stack.urls.temporal });
  const logged = (service: string) => (lines.get(service) ?? []).join("\n");
  return { ...live({ stack, lab, configFolder }, connection, options.token), logged };
}

async function startLiveLab(options: LiveOptions, { folder, apiUrl }: LabPlace): Promise<Lab> {
  const { hosts, timeScale, standingFor = ["web", "api"], runbooks, approvalExpires } = options;
  const webhookUrl = `${apiUrl}/v1/events/tickets/request-tracker`;
  const tickets = options.ticketWebhook === true ? { tickets: { webhookUrl } } : {};
  const lab = await startLab({ seed: 7, hosts, timeScale, ...tickets, ...options.lab });
  await writeLabFolder({
    folder,
    lab,
    timeScale,
    standingFor,
    ...(runbooks === undefined ? {} : { runbooks }),
    ...(approvalExpires === undefined ? {} : { approvalExpires }),
  });
  await options.configure?.(folder);
  return lab;
}

function live({ stack, lab, configFolder }: LabStack, connection: Connection, token?: string): Omit<Live, "logged"> {
  const api = remediationApi({ url: stack.urls.api, token: token === undefined ? null : new Secret(token), fetch });
  return {
    stack,
    lab,
    configFolder,
    api,
    client: new Client({ connection, namespace: stack.urls.namespace }),
    alert: (how) => post(stack, webhookPayload(lab, how)),
    selfheal: (...args) => selfheal({ SELFHEAL_URL: stack.urls.api }, args),
    selfhealWith: (env, ...args) => selfheal({ SELFHEAL_URL: stack.urls.api, ...env }, args),
    temporal: async (...args) => {
      const cli = await temporalCli();
      const { stdout } = await run(cli, [...args, "--address", stack.urls.temporal]);
      return stdout;
    },
    closed: (targets, withinMs) => closed(api, targets, withinMs),
    stop: async () => {
      await connection.close();
      await stack.stop();
    },
  };
}

async function selfheal(env: Record<string, string>, args: string[]): Promise<string> {
  const { stdout } = await run(projectPath("bin/selfheal"), args, { env: childEnv(env) });
  return stdout;
}

async function temporalCli(): Promise<string> {
  const { findTemporalCli } = await import("../../src/workers/temporal-cli.ts");
  const found = await findTemporalCli(readEnv());
  if (found === null) throw new Error("no temporal CLI: run `npm test`, which gets one");
  return found.path;
}

/** As Alertmanager does: what is refused for want of capacity is sent again. */
async function post(stack: Stack, body: unknown): Promise<Record<string, number>> {
  const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const send = async () => {
    const response = await fetch(`${stack.urls.api}/v1/alerts/alertmanager`, request);
    return { status: response.status, text: await response.text() };
  };
  let answer = await send();
  if (answer.status === 503) {
    await expect.poll(async () => (answer = await send()).status, { interval: 1_000 }).not.toBe(503);
  }
  expect(answer.status, answer.text).toBe(200);
  return JSON.parse(answer.text) as Record<string, number>;
}

async function closed(api: RemediationApi, targets: string[], withinMs = 180_000): Promise<Map<string, TellStory>> {
  const isClosed = async (): Promise<string[]> => {
    // The API may be away for a moment: tests kill it.
    const rows = await api.list({ limit: "1000" }).catch(() => []);
    const done = new Set(rows.filter((row) => row.closedAt !== null).map((row) => row.target.id));
    return targets.filter((target) => !done.has(target));
  };
  await expect.poll(isClosed, { timeout: withinMs, interval: 200 }).toEqual([]);
  const stories = await Promise.all(targets.map(async (target) => [target, await api.story(target)] as const));
  return new Map(stories);
}
