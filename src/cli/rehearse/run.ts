/** One seed of a rehearsal: the whole product on a lab of its own, every fault at once, each on its own host. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Env } from "../../config/env.ts";
import { connectClient, temporalSettings } from "../../config/temporal.ts";
import { UserError } from "../../config/user-error.ts";
import { webhookPayload } from "../../lab/alerts.ts";
import { startLab, type Lab } from "../../lab/lab.ts";
import { HOUR_MS, MINUTE_MS } from "../../lab/types.ts";
import { openSnapshots } from "../../record/snapshot.ts";
import type { RemediationRow } from "../../record/api.ts";
import { temporalView } from "../../watchers/sweep-temporal.ts";
import { startLabStack, type LabStack } from "../demo/lab-stack.ts";
import { Follower } from "../demo/watch.ts";
import { note } from "../output.ts";
import { withCleanup } from "../process/cleanup.ts";
import { checkpoint } from "../process/stopped.ts";
import type { LabPlace, Stack } from "../process/stack.ts";
import { readFacts } from "../reconcile/read.ts";
import { reconcile, type Reconciliation } from "../reconcile/reconcile.ts";
import { callApi, remediationApi, type ApiOptions } from "../remediation-api.ts";
import { labelsFor, PEOPLE, requireMatch, writeRehearsalFolder, type Piece } from "./folder.ts";
import { brokenIn, type Ended, type SeedResult } from "./judge.ts";
import { faultOf, scenariosOf, type Scenario, type Strike } from "./scenarios.ts";

export interface SeedOptions {
  seed: number;
  strikes: readonly Strike[];
  timeScale: number;
}

interface Context {
  env: Env;
  stop: AbortSignal;
}

const LOOK_EVERY_MS = 300;
/** Of the lab: longer than any wait of a plan whose technician does not come. */
const LONGEST_LAB_MS = 72 * HOUR_MS;
const SETTLE_WITHIN_MS = 30_000;

export function rehearseSeed(
  piece: Piece,
  options: SeedOptions,
  context: Context,
): Promise<SeedResult & { standIns: string[] }> {
  return withCleanup(async (defer) => {
    const startedAt = performance.now();
    const { hosts, scenarios } = scenariosOf(options.strikes, options.seed, piece.runbook.groups);
    let standIns: string[] = [];
    const start = async (place: LabPlace): Promise<Lab> => {
      const lab = await startLab({
        seed: options.seed,
        hosts,
        timeScale: options.timeScale,
        technician: { count: scenarios.length, arrivalMs: [90 * MINUTE_MS, 180 * MINUTE_MS] },
        faults: scenarios.flatMap((one) => faultOf(one) ?? []),
      });
      requireMatch(piece, lab, scenarios[0]?.host ?? "");
      standIns = await writeRehearsalFolder(piece, { folder: place.folder, lab, timeScale: options.timeScale });
      return lab;
    };
    const running = await startLabStack(
      { lab: start, ports: { port: 0, temporalPort: 0 }, workerArgs: ["--watch-every", "500"] },
      { ...context, say: () => undefined },
    );
    defer(() => running.stack.stop());
    await letAct(piece, running);
    await post(piece, running, scenarios);
    const ended = await untilEnded(running, scenarios, options, context.stop);
    const books = await compare(running, context.stop);
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    return { seed: options.seed, seconds, ended, broken: brokenIn(running.lab.world, books), standIns };
  });
}

function apiOf(stack: Stack): ApiOptions {
  return { url: stack.urls.api, token: null, fetch };
}

/** A runbook that only observes or asks by its own mode is tried as it would act. */
async function letAct({ runbook }: Piece, { stack, lab }: LabStack): Promise<void> {
  if (runbook.spec.mode === "auto") return;
  const wish = { runbook: runbook.name, by: PEOPLE[0], override: "a rehearsal" };
  for (const group of new Set([...lab.world.hosts.values()].map((host) => host.group))) {
    await callApi(apiOf(stack), "/modes/promote", { ...wish, group });
  }
}

async function post(piece: Piece, { stack, lab }: LabStack, scenarios: readonly Scenario[]): Promise<void> {
  const hosts = scenarios.map(({ host }) => host);
  const response = await fetch(`${stack.urls.api}/v1/alerts/alertmanager`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(webhookPayload(lab, { hosts, labels: labelsFor(piece) })),
  });
  if (!response.ok) throw new UserError(`our own webhook answered ${response.status}: ${await response.text()}`);
}

async function untilEnded(
  { stack }: LabStack,
  scenarios: readonly Scenario[],
  { seed, timeScale }: SeedOptions,
  stop: AbortSignal,
): Promise<Ended[]> {
  const api = remediationApi(apiOf(stack));
  const failed: string[] = [];
  const approve = async ({ remediationId, planHash }: RemediationRow): Promise<void> => {
    for (const by of PEOPLE) await api.decide("approve", remediationId, { by, planHash: planHash ?? "" });
  };
  const follower = new Follower({
    api,
    onLine: () => undefined,
    onApproval: (row) => {
      // Only the first counts where one is enough; what nobody could approve shows as not settled.
      approve(row).catch((error: unknown) => failed.push(String(error)));
    },
  });
  const deadline = performance.now() + LONGEST_LAB_MS / timeScale + 60_000;
  const told = new Set<string>();
  for (;;) {
    checkpoint(stop);
    await follower.look();
    for (const { host, strike } of scenarios) {
      const outcome = follower.stories().get(host)?.remediation.outcome;
      if (told.has(host) || outcome === undefined) continue;
      told.add(host);
      note(`seed ${seed}: ${strike} on ${host}: ${outcome ?? "?"}`);
    }
    if (told.size === scenarios.length || performance.now() > deadline) break;
    await Promise.race([sleep(LOOK_EVERY_MS), stack.supervisor.failed]);
  }
  const open = new Map((await api.list({ open: "true", limit: "1000" })).map((row) => [row.target.id, row]));
  return scenarios.map((scenario) => {
    const row = follower.stories().get(scenario.host)?.remediation ?? open.get(scenario.host) ?? null;
    const { outcome = null, needsHuman = false, detail = "", doing = "no remediation was opened" } = row ?? {};
    const why = outcome === null ? [doing, ...failed].join("; ") : detail;
    return { ...scenario, outcome, needsHuman, detail: why, remediationId: row?.remediationId ?? null };
  });
}

/** Until the books agree: what is on its way is given some time. */
function compare({ stack, lab, configFolder }: LabStack, stop: AbortSignal): Promise<Reconciliation> {
  return withCleanup(async (defer) => {
    const { temporal: address, namespace } = stack.urls;
    const client = await connectClient({ ...temporalSettings(), address, namespace, connection: { address } });
    defer(() => client.connection.close());
    const record = openSnapshots(stack.databaseUrl);
    defer(() => record.end());
    const sources = { record, temporal: temporalView(client, address), world: lab.world, configFolder };
    const deadline = performance.now() + SETTLE_WITHIN_MS;
    for (;;) {
      const result = reconcile(await readFacts(sources));
      if (result.ok || performance.now() > deadline || stop.aborted) return result;
      await sleep(LOOK_EVERY_MS);
    }
  });
}
