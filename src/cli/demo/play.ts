/** The demo from curtain to curtain: stack, payload, following, epilogue. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Env } from "../../config/env.ts";
import { messageOf, UserError } from "../../config/user-error.ts";
import { webhookPayload } from "../../lab/alerts.ts";
import type { FaultName } from "../../lab/faults.ts";
import { startLab, type Lab } from "../../lab/lab.ts";
import type { LogEntry } from "../../lab/world.ts";
import type { RemediationRow } from "../../record/api.ts";
import { note, paint } from "../output.ts";
import { stopOnSignals } from "../process/signals.ts";
import type { LabPlace, Stack } from "../process/stack.ts";
import { DEFAULT_URL, remediationApi, type RemediationApi } from "../remediation-api.ts";
import { castOf, faultSpec, type Cast } from "./cast.ts";
import { clock, endingLine, endingsOf, timelineText, type Ending } from "./epilogue.ts";
import { listenForKeys } from "./keys.ts";
import { writeLabFolder } from "./lab-folder.ts";
import { startLabStack } from "./lab-stack.ts";
import { tellLab } from "./narrator.ts";
import { ADA, fetchAsAda, tokenOfAda } from "./own-token.ts";
import { sayFrom } from "./say.ts";
import { withThreads } from "./threads.ts";
import { Follower } from "./watch.ts";

export interface DemoOptions {
  hosts: number;
  fault: FaultName | null;
  approve: "auto" | "ask";
  seed: number;
  timeScale: number;
  once?: boolean;
  port: number;
  temporalPort: number;
  uiPort?: number;
  json?: boolean;
}

export interface DemoResult {
  seconds: number;
  timeScale: number;
  /** Somebody ended it before every host had ended. */
  stopped: boolean;
  endings: Ending[];
}

const LOOK_EVERY_MS = 300;
/** The person who approves with `--approve auto` thinks this long. */
const THINKING_MS = 1_500;
const MINUTE_MS = 60_000;

export async function playDemo(options: DemoOptions, env: Env): Promise<DemoResult> {
  const stop = stopOnSignals();
  const cast = castOf({ count: options.hosts, seed: options.seed, fault: options.fault });
  const { stack, lab } = await startLabStack(
    {
      lab: (place) => startDemoLab(options, cast, place),
      ports: options,
      workerArgs: ["--watch-every", "500"],
    },
    { env, stop: stop.signal, say: note },
  );
  const keys = listenForKeys({ k: () => killWorker(stack), q: () => stop.request() });
  try {
    const result = await perform(options, cast, lab, stack, stop.signal);
    if (options.once !== true && !stop.signal.aborted) await stayUp(stack, stop.requested);
    return result;
  } finally {
    keys.release();
    await stack.stop();
    stop.release();
  }
}

async function startDemoLab(options: DemoOptions, cast: Cast, place: LabPlace): Promise<Lab> {
  const lab = await startLab({
    seed: options.seed,
    hosts: cast.hosts,
    timeScale: options.timeScale,
    technician: { count: Math.max(4, Math.ceil(options.hosts / 4)), arrivalMs: [90 * MINUTE_MS, 180 * MINUTE_MS] },
  });
  for (const part of cast.parts) if (part.badNewDisk === true) lab.inject({ name: "bad-new-disk", host: part.host });
  const first = cast.parts[0];
  if (options.fault !== null && first !== undefined) lab.inject(faultSpec(options.fault, first.host));
  await writeLabFolder({
    folder: place.folder,
    lab,
    timeScale: options.timeScale,
    standingFor: ["web", "api"],
    change: await withThreads(place.folder, lab.url),
    // An hour of real time for whoever approves by hand.
    ...(options.approve === "ask" ? { approvalExpires: `${options.timeScale}h` } : {}),
  });
  return lab;
}

async function perform(
  options: DemoOptions,
  cast: Cast,
  lab: Lab,
  stack: Stack,
  stop: AbortSignal,
): Promise<DemoResult> {
  const startedAt = performance.now();
  const say = sayFrom(startedAt, options.timeScale);
  prologue(options, cast, lab, stack);
  const api = apiOf(stack);
  const ours = new Set(cast.parts.map(({ host }) => host));
  const unlisten = lab.on((entry) => {
    const line = entry.host !== undefined && ours.has(entry.host) ? (trafficLine(lab, entry) ?? tellLab(entry)) : null;
    if (line !== null) say(entry.host ?? "", line);
  });
  const follower = new Follower({
    api,
    onLine: say,
    onApproval: (row) => {
      askForApproval(options, { stack, api }, row, say).catch((error: unknown) =>
        say(row.target.id, `not approved: ${messageOf(error)}`),
      );
    },
  });
  await post(cast, lab, stack, say);
  const wanted = cast.parts.filter(({ expected }) => expected !== "nothing").length;
  while (follower.stories().size < wanted && !stop.aborted) {
    await follower.look();
    await Promise.race([sleep(LOOK_EVERY_MS), stack.supervisor.failed]);
  }
  unlisten();
  const stopped = follower.stories().size < wanted;
  const seconds = (performance.now() - startedAt) / 1000;
  const endings = endingsOf(cast.parts, follower.stories());
  if (options.json !== true) epilogue(options, lab, follower, endings, seconds);
  return { seconds: Math.round(seconds * 10) / 10, timeScale: options.timeScale, stopped, endings };
}

function prologue(options: DemoOptions, cast: Cast, lab: Lab, stack: Stack): void {
  note("");
  note(
    paint(
      "bold",
      `A fleet of ${lab.world.hosts.size} hosts, ${options.timeScale} times as fast as real time.`,
      process.stderr,
    ),
  );
  for (const { host, story } of cast.parts.slice(0, 12)) note(`  ${host.padEnd(9)} ${story}`);
  if (cast.parts.length > 12) note(`  … and ${cast.parts.length - 12} more`);
  note(
    `  Web UI ${paint("cyan", stack.urls.temporalUi ?? "of your Temporal", process.stderr)}   API ${stack.urls.api}`,
  );
  if (process.stdin.isTTY)
    note(`  Press ${paint("bold", "k", process.stderr)} to kill the worker with SIGKILL, Ctrl-C to stop.`);
  note("");
}

/** One webhook body as Alertmanager sends it: a group with firing and resolved alerts. */
async function post(cast: Cast, lab: Lab, stack: Stack, say: (who: string, line: string) => void): Promise<void> {
  const hosts = cast.parts.filter((part) => part.alert === "firing").map(({ host }) => host);
  const resolved = cast.parts.filter((part) => part.alert === "resolved").map(({ host }) => host);
  const body = webhookPayload(lab, { hosts, resolved });
  const response = await fetch(`${stack.urls.api}/v1/alerts/alertmanager`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.text();
  if (!response.ok) throw new UserError(`our own webhook answered ${response.status}: ${answer.slice(0, 500)}`);
  const { accepted, duplicates, unmatched } = JSON.parse(answer) as Record<string, number>;
  say(
    "webhook",
    `${body.alerts.length} alerts in one group: ${accepted} accepted, ${duplicates} duplicates, ${unmatched} unmatched`,
  );
}

async function askForApproval(
  options: DemoOptions,
  { stack, api }: { stack: Stack; api: RemediationApi },
  row: RemediationRow,
  say: (who: string, line: string) => void,
): Promise<void> {
  const command = `bin/selfheal remediation approve ${row.remediationId.slice(0, 13)} --by ${ADA}${urlOption(stack)}`;
  say(row.target.id, paint("yellow", `waits for a person: ${command}`, process.stderr));
  if (options.approve === "ask") return;
  await sleep(THINKING_MS);
  const story = await api.story(row.remediationId);
  const planHash = story.remediation.planHash ?? "";
  await api.decide("approve", row.remediationId, { by: ADA, planHash, reason: "the demo's own approval" });
}

function epilogue(options: DemoOptions, lab: Lab, follower: Follower, endings: Ending[], seconds: number): void {
  const out = (line: string): void => void process.stdout.write(`${line}\n`);
  out("");
  for (const { host } of endings) {
    const story = follower.stories().get(host);
    if (story !== undefined) out(`${timelineText(story, options.timeScale)}\n`);
  }
  for (const ending of endings) out(endingLine(ending));
  out("");
  out(`${seconds.toFixed(1)} s (${clock(seconds * 1000 * options.timeScale)} in the datacenter)`);
  out(trafficText(lab));
  out("");
  out("On your own systems, read-only, with nothing to write first:");
  out("  bin/selfheal try --prometheus http://YOUR-PROMETHEUS:9090 --alertmanager http://YOUR-ALERTMANAGER:9093");
}

/** The point of draining: nobody's request reached a host that was out of service. */
function trafficText(lab: Lab): string {
  const errors = lab.world.traffic.errors();
  const causes = Object.entries(errors).map(([cause, count]) => `${cause} ${count}`);
  return `requests that users saw fail, by cause: ${causes.join(", ")}`;
}

/** Where the users' requests go when a server is drained or comes back. */
function trafficLine(lab: Lab, entry: LogEntry): string | null {
  if (entry.what !== "drain" && entry.what !== "ready") return null;
  const pool = [...lab.world.traffic.pools.values()].find(({ servers }) =>
    servers.some(({ host }) => host.id === entry.host),
  );
  if (pool === undefined) return null;
  const loads = [...lab.world.traffic.loads(pool)];
  const mine = loads.find(([server]) => server.host.id === entry.host)?.[1];
  const others = loads.filter(([server, { rate }]) => server.host.id !== entry.host && rate > 0);
  const rate = others.reduce((sum, [, load]) => sum + load.rate, 0) / Math.max(1, others.length);
  const elsewhere = `${others.length} others of pool ${pool.name} take ${rate.toFixed(1)} requests/s each`;
  return `live traffic: ${(mine?.rate ?? 0).toFixed(1)} requests/s and ${mine?.sessions ?? 0} sessions here, ${elsewhere}`;
}

function apiOf({ urls, databaseUrl }: Stack): RemediationApi {
  return remediationApi({ url: urls.api, token: null, fetch: fetchAsAda(() => tokenOfAda(databaseUrl)) });
}

/** What to add to a command that people copy, when the API is not where the command line looks by itself. */
function urlOption(stack: Stack): string {
  return stack.urls.api === DEFAULT_URL ? "" : ` --url ${stack.urls.api}`;
}

function killWorker(stack: Stack): void {
  note(paint("red", `worker: SIGKILL to pid ${stack.worker.pid}`, process.stderr));
  void stack.worker.kill();
}

async function stayUp(stack: Stack, stopped: Promise<unknown>): Promise<void> {
  note("");
  note(`Everything stays up: ${stack.urls.temporalUi ?? stack.urls.temporal}`);
  note(`  bin/selfheal remediation list${urlOption(stack)}`);
  note(`  bin/selfheal remediation show files-1${urlOption(stack)}`);
  note("Ctrl-C stops it.");
  await Promise.race([stopped, stack.supervisor.failed]);
}
