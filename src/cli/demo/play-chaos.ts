/** `demo --chaos`: a crowd of hosts heals while everything that runs is killed at random; then the books are compared. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Env } from "../../config/env.ts";
import { connectClient, temporalSettings } from "../../config/temporal.ts";
import { startLab, type Lab } from "../../lab/lab.ts";
import { MINUTE_MS, SECOND_MS } from "../../lab/types.ts";
import { openSnapshots, type SnapshotReader } from "../../record/snapshot.ts";
import { temporalView } from "../../watchers/sweep-temporal.ts";
import { chaos, type Recovery } from "../chaos/chaos.ts";
import { killablesOf } from "../chaos/of-stack.ts";
import { chaosSchedule } from "../chaos/schedule.ts";
import { note } from "../output.ts";
import { withCleanup } from "../process/cleanup.ts";
import { stopOnSignals } from "../process/signals.ts";
import type { LabPlace, Stack } from "../process/stack.ts";
import { readFacts } from "../reconcile/read.ts";
import { reconcile, type Reconciliation } from "../reconcile/reconcile.ts";
import { remediationApi, type RemediationApi } from "../remediation-api.ts";
import { crowdOf } from "./cast.ts";
import { chaosEpilogue, chaosPrologue, chaosReport } from "./chaos-text.ts";
import { Crowd } from "./crowd.ts";
import { writeLabFolder } from "./lab-folder.ts";
import { startLabStack } from "./lab-stack.ts";
import { refuseForeignServers } from "./own-servers.ts";
import { openProcessLog } from "./process-log.ts";
import { sayFrom, type Say } from "./say.ts";

export interface ChaosDemoOptions {
  hosts: number;
  seed: number;
  timeScale: number;
  /** Seconds between two kills, on average. */
  killEvery: number;
  once?: boolean;
  port: number;
  temporalPort: number;
  uiPort?: number;
  json?: boolean;
}

export interface ChaosResult {
  seconds: number;
  /** From the last host's end until the books agreed, or we gave up waiting for that. */
  settledAfterSeconds: number;
  seed: number;
  hosts: number;
  timeScale: number;
  recoveries: Recovery[];
  /** null: stopped before the end. */
  reconciliation: Reconciliation | null;
}

/** Hosts that fail each second of real time. */
const FAILING_PER_SECOND = 2;
const LOOK_EVERY_MS = 500;
/** Nothing was written for so long: nothing will come any more. */
const STALLED_AFTER_MS = 120_000;
/** The last workflow ends, the last webhook arrives. */
const SETTLE_WITHIN_MS = 30_000;

interface Stage {
  options: ChaosDemoOptions;
  lab: Lab;
  configFolder: string;
  failing: string[];
  stack: Stack;
  record: SnapshotReader;
  api: RemediationApi;
  stop: AbortSignal;
  say: Say;
}

export function playChaos(options: ChaosDemoOptions, env: Env): Promise<ChaosResult> {
  refuseForeignServers(env, "--chaos kills servers, so it works on its own only");
  return withCleanup(async (defer) => {
    const stop = stopOnSignals();
    defer(stop.release);
    const { hosts, failing } = crowdOf({ count: options.hosts, seed: options.seed });
    const log = await openProcessLog();
    const { stack, lab, configFolder } = await startLabStack(
      {
        lab: (place) => startChaosLab(options, hosts, place),
        ports: options,
        temporalOnDisk: true,
        workerArgs: ["--watch-every", "500", "--sweep-every", "5000"],
      },
      { env, stop: stop.signal, say: note, onLine: log.line, onEvent: log.line },
    );
    defer(() => stack.stop());
    const record = openSnapshots(stack.databaseUrl);
    defer(() => record.end());
    const say = sayFrom(performance.now(), options.timeScale);
    const api = remediationApi({ url: stack.urls.api, token: null, fetch, timeoutMs: 5_000 });
    const stage: Stage = { options, lab, configFolder, failing, stack, record, api, stop: stop.signal, say };
    chaosPrologue(options, stack, log.file);
    const result = await perform(stage);
    if (options.json !== true && result.reconciliation !== null) chaosEpilogue(result);
    if (result.reconciliation?.ok === true) await log.forget();
    else note(`what the processes said: ${log.file}`);
    if (options.once !== true && !stop.signal.aborted) {
      note(`\nEverything stays up: ${stack.urls.temporalUi ?? stack.urls.temporal}   API ${stack.urls.api}`);
      note("Ctrl-C stops it.");
      await Promise.race([stop.requested, stack.supervisor.failed]);
    }
    return result;
  });
}

async function startChaosLab(
  options: ChaosDemoOptions,
  hosts: ReturnType<typeof crowdOf>["hosts"],
  place: LabPlace,
): Promise<Lab> {
  const { seed, timeScale } = options;
  const lab = await startLab({
    seed,
    hosts,
    timeScale,
    technician: { count: Math.max(4, options.hosts), arrivalMs: [15 * MINUTE_MS, 45 * MINUTE_MS] },
    alerting: {
      webhookUrl: `${place.apiUrl}/v1/alerts/alertmanager`,
      groupWaitMs: 30 * SECOND_MS,
      // In place of four hours: each alert comes several times while its host waits for its turn.
      repeatMs: 10 * MINUTE_MS,
    },
  });
  await writeLabFolder({ folder: place.folder, lab, timeScale, standingFor: ["web", "api"] });
  return lab;
}

async function perform(stage: Stage): Promise<ChaosResult> {
  const { options, stack, record, api, stop, say } = stage;
  const startedAt = performance.now();
  letFail(stage);
  const over = new AbortController();
  const killables = killablesOf(stack, record, api);
  const victims = killables.map(({ name }) => name);
  const schedule = chaosSchedule({ seed: options.seed, victims, everyMs: options.killEvery * 1_000 });
  const report = chaosReport(say);
  const spared = new Set(victims);
  const onKill = (victim: string, pid: number): void => {
    spared.delete(victim);
    report.onKill(victim, pid);
  };
  const killing = chaos(schedule, killables, { ...report, onKill }, AbortSignal.any([stop, over.signal]));
  try {
    await Promise.race([untilAllEnded(stage, spared), stack.supervisor.failed]);
  } finally {
    over.abort();
  }
  const seconds = tenths(performance.now() - startedAt);
  const { hosts, seed, timeScale } = options;
  const run = { seconds, settledAfterSeconds: 0, seed, hosts, timeScale, recoveries: [], reconciliation: null };
  // What is on its way back is not waited for.
  if (stop.aborted) return run;
  const recoveries = await Promise.race([killing, stack.supervisor.failed]);
  const settlingFrom = performance.now();
  say("chaos", `is over after ${recoveries.length} kills; comparing record, Temporal and lab`);
  const reconciliation = await settle(stage);
  return { ...run, settledAfterSeconds: tenths(performance.now() - settlingFrom), recoveries, reconciliation };
}

/** Seconds with one digit. */
const tenths = (ms: number): number => Math.round(ms / 100) / 10;

/** One disk after the other, at random moments. */
function letFail({ lab, failing, options }: Stage): void {
  const spanMs = (failing.length / FAILING_PER_SECOND) * 1_000 * options.timeScale;
  const draw = lab.world.random.stream("chaos-failing");
  for (const host of failing) lab.clock.after(draw.between(0, spanMs), () => lab.world.failDisk(host));
}

/** Every host that was to fail has a closed remediation and nobody was spared; or nothing happens any more. */
async function untilAllEnded({ api, record, failing, stop, say }: Stage, spared: ReadonlySet<string>): Promise<void> {
  const crowd = new Crowd(failing, say);
  let [seenAt, entryAt] = [performance.now(), 0];
  while (!stop.aborted) {
    // Any of the two may be dead just now.
    crowd.show(await api.list({ limit: "1000" }).catch(() => null));
    if (crowd.allEnded && spared.size === 0) return;
    const last = await record.lastEntryAt().catch(() => null);
    if (last !== null && last !== entryAt) [seenAt, entryAt] = [performance.now(), last];
    if (performance.now() - seenAt > STALLED_AFTER_MS) {
      say("demo", `nothing was recorded for ${STALLED_AFTER_MS / 1000} s: comparing what there is`);
      return;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** Compares until the books agree: what is still on its way is given some time. */
async function settle(stage: Stage): Promise<Reconciliation> {
  const deadline = performance.now() + SETTLE_WITHIN_MS;
  const { temporal: address, namespace } = stage.stack.urls;
  const client = await connectClient({ ...temporalSettings(), address, namespace, connection: { address } });
  const { record, configFolder, lab } = stage;
  const sources = { record, temporal: temporalView(client, address), world: lab.world, configFolder };
  try {
    for (;;) {
      const result = reconcile(await readFacts(sources));
      if (result.ok || performance.now() > deadline || stage.stop.aborted) return result;
      await sleep(LOOK_EVERY_MS);
    }
  } finally {
    await client.connection.close();
  }
}
