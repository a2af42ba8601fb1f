/**
 * Heals the faults of the lab on a running topology and compares what record, Temporal and datacenter say of it:
 * `npm run production -- --check`, and what a test or a demo asks after it has killed what it wanted to kill.
 */
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { childEnv } from "../../config/env.ts";
import { projectPath } from "../../config/project.ts";
import { UserError } from "../../config/user-error.ts";
import { exposed, forgotten, violations } from "../../lab/invariants.ts";
import type { Lab } from "../../lab/lab.ts";
import { Secret } from "../../ports/secret.ts";
import type { Line } from "../doctor-line.ts";
import { remediationApi, type RemediationApi } from "../remediation-api.ts";
import { readSecret } from "./database.ts";
import type { Production } from "./start.ts";

const run = promisify(execFile);
const LOOK_MS = 250;
const DOCTOR_TIMEOUT_MS = 60_000;

/** One API of the topology, as its users ask it; default the first. */
export async function apiOf(production: Production, index = 0): Promise<RemediationApi> {
  const token = new Secret(await readSecret(production.secrets, "apiToken"));
  return remediationApi({ url: production.urls.apis[index] ?? "", token, fetch });
}

/** Resolves when every host has a closed remediation; rejects with those that have none when the time is over. */
export async function untilClosed(production: Production, hosts: readonly string[], withinMs: number): Promise<void> {
  const api = await apiOf(production);
  const deadline = performance.now() + withinMs;
  for (;;) {
    // The API, or what it stands on, may be away for a moment.
    const rows = await api.list({ limit: "1000" }).catch(() => []);
    const open = hosts.filter((host) => !rows.some(({ target, closedAt }) => target.id === host && closedAt !== null));
    if (open.length === 0) return;
    if (performance.now() > deadline) {
      const phases = open.map((host) => `${host} (${rows.find(({ target }) => target.id === host)?.phase ?? "none"})`);
      throw new UserError(`not closed after ${withinMs / 1000} s: ${phases.join(", ")}`);
    }
    await Promise.race([sleep(LOOK_MS), production.supervisor.failed]);
  }
}

/** What does not fit together, in sentences; empty when all is well: each host healed once, and nothing left behind. */
export async function reconcile(production: Production, lab: Lab, hosts: readonly string[]): Promise<string[]> {
  const rows = await (await apiOf(production)).list({ limit: "1000" });
  const found = [...violations(lab.world)];
  for (const host of hosts) {
    const own = rows.filter(({ target }) => target.id === host);
    if (own.length !== 1) found.push(`${host} has ${own.length} remediations instead of one`);
    for (const { outcome, detail } of own) {
      if (outcome !== "healed") found.push(`${host} ended ${outcome ?? "not at all"}: ${detail ?? ""}`);
    }
  }
  const { world } = lab;
  found.push(...forgotten(world).map((host) => `${host} is well and gets no traffic`));
  found.push(...exposed(world).map((host) => `${host} gets traffic and does not serve`));
  return [...found, ...(await doctorSays(production))];
}

/** `selfheal doctor` with the topology's own environment: connections, schema, pollers, orphans, undelivered alerts. */
async function doctorSays(production: Production): Promise<string[]> {
  const doctor = await run(projectPath("bin", "selfheal"), ["--json", "doctor"], {
    env: childEnv(production.env),
    timeout: DOCTOR_TIMEOUT_MS,
  }).catch((error: unknown) => error as { stdout?: string; stderr?: string });
  const said = doctor.stdout ?? "";
  if (!said.startsWith("{")) return [`selfheal doctor says nothing: ${doctor.stderr ?? ""}`];
  const { lines } = JSON.parse(said) as { lines: Line[] };
  return lines
    .filter(({ level }) => level === "warn" || level === "FAIL")
    .map(({ level, area, detail }) => `doctor: ${level} ${area}: ${detail}`);
}
