/** The production topology with a lab of many equal hosts, and what Alertmanager would do to it. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readEnv } from "../../src/config/env.ts";
import { projectPath } from "../../src/config/project.ts";
import { writeLabFolder } from "../../src/cli/demo/lab-folder.ts";
import { readSecret } from "../../src/cli/production/database.ts";
import { startProduction, type Production } from "../../src/cli/production/start.ts";
import { webhookPayload } from "../../src/lab/alerts.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import { startLab, type Lab } from "../../src/lab/lab.ts";
import type { LabHost } from "../../src/lab/types.ts";

/** Targets of the group in work at once, by the runbook of this test. */
export const CAP = 8;
const TIME_SCALE = 300;

export interface Rig {
  production: Production;
  lab: Lab;
  /** What a person was told. */
  said: string[];
  /** By host: one fault is one body, however often it is sent. */
  bodies: Map<string, string>;
}

export async function startRig(data: string, hosts: LabHost[]): Promise<Rig> {
  const said: string[] = [];
  let lab: Lab | null = null;
  const production = await startProduction(
    {
      data,
      systems: {
        lab: async ({ folder }) => {
          const started = await startLab({ seed: 7, hosts, timeScale: TIME_SCALE });
          lab = started;
          const runbooks = cappedRunbooks(join(data, "runbooks"));
          await writeLabFolder({ folder, lab: started, timeScale: TIME_SCALE, standingFor: ["web"], runbooks });
          return { url: started.url, configFolder: folder, stop: () => started.stop() };
        },
      },
      apis: 2,
      workers: 2,
      ports: { api: 0, temporal: 0, ui: 0 },
      workerArgs: ["--watch-every", "500"],
    },
    { env: readEnv(), stop: new AbortController().signal, say: (line) => void said.push(line) },
  );
  if (lab === null) throw new Error("the lab did not start");
  return { production, lab, said, bodies: new Map() };
}

function cappedRunbooks(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const text = readFileSync(projectPath("test/fixtures/runbooks/drain-and-rebuild.yaml"), "utf8");
  const capped = text.replace("group: 25", `group: ${CAP}`);
  if (capped === text) throw new Error("the fixture's cap is not where it was");
  writeFileSync(join(folder, "drain-and-rebuild.yaml"), capped);
  return folder;
}

export function equalHosts(count: number): LabHost[] {
  const model = makeFleet({ count: 1, seed: 7 })[0] as LabHost;
  return Array.from({ length: count }, (_, index) => ({
    ...model,
    id: `web-${index + 1}`,
    fqdn: `web-${index + 1}.lab.example.net`,
    address: `10.60.0.${index + 1}`,
    disks: model.disks.map((disk) => ({ ...disk, serial: `S${index}` })),
  }));
}

/** As a pair of Alertmanagers: each alert to both APIs, and again after a refusal, until one has taken it. */
export async function sendUntilTaken({ production, lab, bodies }: Rig, host: string): Promise<void> {
  const token = await readSecret(production.secrets, "webhookToken");
  const body = bodies.get(host) ?? JSON.stringify(webhookPayload(lab, { hosts: [host] }));
  bodies.set(host, body);
  for (let attempt = 0; ; attempt++) {
    const api = production.urls.apis[attempt % production.urls.apis.length] ?? "";
    const status = await post(api, token, body);
    if (status === 200) return;
    // Away, or "send it again": anything else means that it is lost.
    if (status !== null && status !== 503) throw new Error(`the webhook answered ${status} for ${host}`);
    await sleep(200);
  }
}

/** Sends the alerts of these hosts over and over, as repeats and pairs do, until `stop`; answers how many were taken. */
export function keepSending(rig: Rig, hosts: readonly string[]): { stop(): Promise<number> } {
  let stopped = false;
  const loop = async (): Promise<number> => {
    let taken = 0;
    for (let index = 0; !stopped; index++) {
      await sendUntilTaken(rig, hosts[index % hosts.length] ?? "");
      taken += 1;
      await sleep(50);
    }
    return taken;
  };
  const running = loop();
  // It is awaited at the end; until then its failure must not end the run without a word.
  running.catch(() => undefined);
  return {
    stop: () => {
      stopped = true;
      return running;
    },
  };
}

async function post(api: string, token: string, body: string): Promise<number | null> {
  try {
    const answer = await fetch(`${api}/v1/alerts/alertmanager`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body,
      signal: AbortSignal.timeout(30_000),
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return null;
  }
}

/** Of all hosts together, at any instant. */
export function mostDrained(lab: Lab): number {
  const drained = new Set<string>();
  let most = 0;
  for (const { what, host } of lab.world.log) {
    if (host === undefined) continue;
    if (what === "drain") drained.add(host);
    if (what === "ready") drained.delete(host);
    most = Math.max(most, drained.size);
  }
  return most;
}

/** How often something happened, by host. */
export function countsOf(lab: Lab, what: string, hosts: readonly string[]): number[] {
  return hosts.map((host) => lab.world.log.filter((entry) => entry.host === host && entry.what === what).length);
}
