import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { startWatched } from "../../src/workers/watched.ts";
import { isAlive, untilGone } from "../support/processes.ts";

const STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.05; done";
const POLITE = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done";

function watched(script: string, onLine: (line: string) => void = () => undefined) {
  return startWatched({ name: "child", command: "sh", args: ["-c", script], onLine });
}

/** Resolves once the script has printed `up`, so that its trap is set. */
async function startedUp(script: string) {
  const up = Promise.withResolvers<void>();
  const child = await watched(script, (line) => {
    if (line === "up") up.resolve();
  });
  await up.promise;
  return child;
}

test("its pid is the command's own, and its exit code and output come through", async () => {
  const child = await watched('echo "pid $$"; exit 7');
  expect(await child.ended).toEqual({ code: 7, signal: null });
  expect(child.tail()).toEqual([`pid ${child.pid}`]);
});

test("a command that does not exist ends with an exit code and says so", async () => {
  const child = await startWatched({ name: "child", command: "/nowhere/at-all", args: [] });
  expect((await child.ended).code).toBe(127);
});

test("a stop lets it end cleanly and leaves nothing of its process group", async () => {
  const child = await startedUp(POLITE);
  expect(await child.stop()).toEqual({ code: 3, signal: null });
  await untilGone(-child.pid);
});

test("one that ignores SIGTERM is killed after the time it was given", async () => {
  const child = await startedUp(STUBBORN);
  expect(await child.stop({ withinMs: 100 })).toEqual({ code: null, signal: "SIGKILL" });
  await untilGone(-child.pid);
});

test("children of a process that is killed by SIGKILL end too", async () => {
  const parent = spawn(process.execPath, [new URL("fixtures/parent.ts", import.meta.url).pathname], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
  const child = Number(line);
  expect(isAlive(child)).toBe(true);
  parent.kill("SIGKILL");
  await untilGone(child);
});
