import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Supervisor } from "../../src/cli/process/supervisor.ts";
import type { Run } from "../../src/cli/process/kept-service.ts";
import { isAlive, untilGone } from "../support/processes.ts";

const entry = new URL("fixtures/service.ts", import.meta.url).pathname;
let supervisor: Supervisor;
let events: string[];
let lines: string[];
beforeEach(() => {
  events = [];
  lines = [];
  supervisor = new Supervisor({
    onLine: (service, line) => void lines.push(`${service}: ${line}`),
    onEvent: (service, event) => void events.push(`${service}: ${event}`),
  });
});
afterEach(() => supervisor.stop());

const start = (...args: string[]) => supervisor.start({ name: "worker", args, entry });

test("a started service has said that it is ready and where; a stop is clean and leaves nothing", async () => {
  const service = await start();
  expect(service.detail).toEqual({ url: "http://127.0.0.1:1234" });
  expect(isAlive(service.pid)).toBe(true);
  await supervisor.stop();
  expect(lines).toEqual(["worker: stopping cleanly"]);
  await untilGone(-service.pid);
});

test("a killed service is started again, as another process, and says so", async () => {
  const service = await start();
  const first = service.pid;
  expect(await service.kill()).toBe(true);
  expect(events).toHaveLength(2);
  expect(events[0]).toBe("worker: killed by SIGKILL, starting it again");
  expect(service.pid).not.toBe(first);
  expect(service.restarts).toBe(1);
  await supervisor.stop();
  await untilGone(-service.pid);
});

/** A part without a process. */
function run(pid: number): Run {
  const { promise, resolve } = Promise.withResolvers<string>();
  const stop = async (): Promise<void> => {
    resolve("stopped");
  };
  return { pid, detail: {}, ended: promise, lastWords: () => "", kill: () => void resolve("killed by SIGKILL"), stop };
}

test("a restart that fails is tried again: what it needs may be on its way back too", async () => {
  const launches = [
    () => Promise.resolve(run(1)),
    () => Promise.reject(new Error("no database")),
    () => Promise.resolve(run(2)),
  ];
  const service = await supervisor.keep({
    name: "Temporal",
    launch: () => (launches.shift() as () => Promise<Run>)(),
  });
  expect(await service.kill()).toBe(true);
  expect(service.pid).toBe(2);
  expect(events).toEqual([
    "Temporal: killed by SIGKILL, starting it again",
    "Temporal: not up yet, trying again: no database",
    "Temporal: runs again as pid 2",
  ]);
});

test("a kill while everything is being stopped resolves: it will not be back", async () => {
  let launched = 0;
  const launch = (): Promise<Run> => (++launched === 1 ? Promise.resolve(run(1)) : Promise.reject(new Error("away")));
  const service = await supervisor.keep({ name: "Temporal", launch });
  const back = service.kill();
  await supervisor.stop();
  expect(await back).toBe(false);
});

test("one that cannot start is an error with its last words, not a loop", async () => {
  await expect(start("dies")).rejects.toThrow("worker did not start (exit code 4): cannot read the configuration");
});

test("one that keeps dying makes the whole fail instead of spinning for ever", async () => {
  await start("dies-later");
  await expect(supervisor.failed).rejects.toThrow("worker keeps ending (exit code 5)");
  expect(events.filter((event) => event.includes("starting it again")).length).toBeLessThanOrEqual(5);
});

test("a restart is a clean stop and a new process, and no death", async () => {
  const service = await start();
  const first = service.pid;
  await service.restart();
  expect(lines).toEqual(["worker: stopping cleanly"]);
  expect(events).toEqual([`worker: runs again as pid ${service.pid}`]);
  expect(service.pid).not.toBe(first);
  expect(service.restarts).toBe(1);
  await untilGone(-first);
});

test("parts stop in the reverse order of their start, whatever one of them does", async () => {
  const order: string[] = [];
  supervisor.own("database", async () => void order.push("database"));
  supervisor.own("lab", () => Promise.reject(new Error("stuck")));
  supervisor.own("Temporal", async () => void order.push("Temporal"));
  await Promise.all([supervisor.stop(), supervisor.stop()]);
  expect(order).toEqual(["Temporal", "database"]);
  expect(events).toEqual(["lab: could not be stopped: stuck"]);
});

test("what comes up while everything is being stopped is stopped too", async () => {
  const late = vi.fn(() => Promise.resolve());
  supervisor.own("slow", () => {
    supervisor.own("late", late);
    return Promise.resolve();
  });
  await supervisor.stop();
  await expect.poll(() => late).toHaveBeenCalledOnce();
});
