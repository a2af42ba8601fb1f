/**
 * A rolling restart under load: two workers and two APIs, each in its turn told to stop and started again while hosts heal
 * and alerts come in. What is in flight finishes or is handed over; nothing is made ambiguous, not even in passing.
 */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Service } from "../../src/cli/process/supervisor.ts";
import { webhookPayload } from "../../src/lab/alerts.ts";
import { projectPath } from "../../src/config/project.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import type { LabHost } from "../../src/lab/types.ts";
import { currentBundle } from "../../src/workers/bundle.ts";
import { startLive, type Live } from "../support/live.ts";
import { reconcile } from "../support/reconcile.ts";

const COUNT = 40;
/** Each in a rack of its own, so that only the cap of the group makes anybody wait. */
const fleet: LabHost[] = makeFleet({ count: 2 * COUNT, seed: 7 })
  .filter(({ group }) => group === "web")
  .map((host, index) => ({ ...host, rack: `r${index}` }));
/** A host breaks this often while processes are restarted. */
const BREAK_EVERY_MS = 700;
/** Whoever sends tries again after this time, at the other API. */
const AGAIN_MS = 100;

let live: Live;
let workers: Service[];
let apis: Service[];
beforeAll(async () => {
  live = await startLive({
    hosts: fleet,
    timeScale: 1_800,
    standingFor: ["web"],
    runbooks: projectPath("test/fixtures/crash"),
  });
  const { stack } = live;
  const env = {
    DATABASE_URL: stack.databaseUrl,
    TEMPORAL_ADDRESS: stack.urls.temporal,
    TEMPORAL_NAMESPACE: stack.urls.namespace,
    SELFHEAL_CONFIG: stack.lab?.configFolder,
    SELFHEAL_LOG_FORMAT: "json",
  };
  const { codePath } = await currentBundle();
  const args = ["worker", "--bundle", codePath, "--watch-every", "200"];
  const [worker, serve] = await Promise.all([
    stack.supervisor.start({ name: "worker 2", args, env }),
    stack.supervisor.start({ name: "serve 2", args: ["serve", "--port", "0"], env }),
  ]);
  workers = [stack.worker, worker];
  apis = [stack.serve, serve];
});
afterAll(async () => {
  await live.stop();
});

/** What a sender saw: a status, or why there was no answer. */
type Seen = number | string;

it("heals what breaks while every process is restarted in turn: nothing lost, doubled or made ambiguous", async () => {
  const answers: Seen[] = [];
  const rolling = restartAll();
  const [broken, sent] = await breakUntil(rolling, answers);
  const took = await rolling;
  await Promise.all(sent);
  const stories = await live.closed(broken);

  console.log(
    `${broken.length} hosts; restarts took ${took.map((ms) => `${ms} ms`).join(", ")}; answers: ${counts(answers)}`,
  );
  expect(broken.length).toBeGreaterThanOrEqual(workers.length + apis.length);
  // No answer at all is a port that nobody listens on: the load balancer in front takes the other one.
  expect([...new Set(answers)].filter((answer) => ![200, 503, "ECONNREFUSED"].includes(answer))).toEqual([]);
  const endings = [...stories.values()].map(({ remediation: { outcome, detail } }) =>
    outcome === "healed" ? outcome : detail,
  );
  expect(new Set(endings)).toEqual(new Set(["healed"]));
  // Also in passing: a settled effect may have been unknown before, and then a shutdown had cut it off.
  const unknown = [...stories.values()].flatMap(({ audit }) => audit.filter(({ body }) => body["state"] === "unknown"));
  expect(unknown).toEqual([]);
  expect(await reconcile(live, broken)).toEqual([]);
});

/** Workers first; one after the other. Answers how long each took, in milliseconds. */
async function restartAll(): Promise<number[]> {
  const took: number[] = [];
  for (const service of [...workers, ...apis]) {
    const from = performance.now();
    await service.restart();
    took.push(Math.round(performance.now() - from));
  }
  return took;
}

/** Answers the hosts that broke, and the sending of their alerts. */
async function breakUntil(over: Promise<unknown>, answers: Seen[]): Promise<[string[], Promise<void>[]]> {
  let going = true;
  void over.finally(() => (going = false));
  const broken: string[] = [];
  const sent: Promise<void>[] = [];
  for (const { id: host } of fleet) {
    if (!going) break;
    live.lab.world.failDisk(host);
    broken.push(host);
    sent.push(send(host, answers));
    await sleep(BREAK_EVERY_MS);
  }
  return [broken, sent];
}

/** To whichever API takes it, as Alertmanager does with a load balancer in front. */
async function send(host: string, answers: Seen[]): Promise<void> {
  const body = JSON.stringify(webhookPayload(live.lab, { hosts: [host] }));
  for (let turn = 0; ; turn++) {
    const url = apis[turn % apis.length]?.detail["url"] ?? live.stack.urls.api;
    const seen = await post(`${url}/v1/alerts/alertmanager`, body);
    answers.push(seen);
    if (seen === 200) return;
    await sleep(AGAIN_MS);
  }
}

/** On a connection of its own: one that is kept alive may be closed by the server just when it is used again. */
function post(url: string, body: string): Promise<Seen> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const call = request(url, { method: "POST", headers, agent: new Agent({ keepAlive: false }) }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
    });
    call.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    call.end(body);
  });
}

function counts(answers: Seen[]): string {
  return [...Map.groupBy(answers, (answer) => answer)].map(([answer, all]) => `${all.length} × ${answer}`).join(", ");
}
