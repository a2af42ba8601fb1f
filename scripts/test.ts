/**
 * `npm test`: gets the Temporal servers, then runs all tests, in two halves that take about as long. Those of the project
 * `integration` start whole systems, kill them and wait, one file after the other; they leave the cores mostly idle, so
 * others run beside them. With arguments it is one vitest with these: `npm test -- test/policy`.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { projectPath } from "../src/config/project.ts";

const VITEST = projectPath("node_modules/vitest/vitest.mjs");
const BESIDE = ["integration", "processes", "pure"];
const OTHERS = ["record", "workflows"];

const given = process.argv.slice(2);
const prepared = spawnSync(process.execPath, [projectPath("scripts/prepare-tests.ts")], { stdio: "inherit" });
if (prepared.status !== 0) process.exitCode = prepared.status ?? 1;
else process.exitCode = given.length > 0 ? await ended(vitest(given, "inherit")) : await both();

async function both(): Promise<number> {
  const beside = vitest(projects(BESIDE), ["ignore", "pipe", "pipe"]);
  const until = ended(beside);
  const told: Buffer[] = [];
  let isOurTurn = false;
  for (const stream of [beside.stdout, beside.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      if (isOurTurn) process.stdout.write(chunk);
      else told.push(chunk);
    });
  }
  console.log(`test: ${BESIDE.join(", ")} run beside ${OTHERS.join(", ")}; what they say follows`);
  const others = await ended(vitest(projects(OTHERS), "inherit"));
  isOurTurn = true;
  process.stdout.write(Buffer.concat(told));
  return Math.max(others, await until);
}

function projects(names: readonly string[]): string[] {
  return names.flatMap((name) => ["--project", name]);
}

function vitest(args: readonly string[], stdio: "inherit" | ["ignore", "pipe", "pipe"]): ChildProcess {
  return spawn(process.execPath, [VITEST, "run", ...args], { stdio });
}

/** 1 for a death by a signal. A Ctrl-C reaches all of them by itself. */
async function ended(child: ChildProcess): Promise<number> {
  const [code] = (await once(child, "close")) as [number | null];
  return code ?? 1;
}
