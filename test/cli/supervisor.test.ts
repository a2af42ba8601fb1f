import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Supervisor } from "../../src/cli/process/supervisor.ts";
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
  void service.kill();
  await vi.waitFor(() => expect(events).toHaveLength(2), { timeout: 10_000, interval: 20 });
  expect(events[0]).toBe("worker: killed by SIGKILL, starting it again");
  expect(service.pid).not.toBe(first);
  expect(service.restarts).toBe(1);
  await supervisor.stop();
  await untilGone(-service.pid);
});

test("one that cannot start is an error with its last words, not a loop", async () => {
  await expect(start("dies")).rejects.toThrow("worker did not start (exit code 4): cannot read the configuration");
});

test("one that keeps dying makes the whole fail instead of spinning for ever", async () => {
  await start("dies-later");
  await expect(supervisor.failed).rejects.toThrow("worker keeps ending (exit code 5)");
  expect(events.filter((event) => event.includes("starting it again")).length).toBeLessThanOrEqual(5);
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
  await vi.waitFor(() => expect(late).toHaveBeenCalledOnce());
});
