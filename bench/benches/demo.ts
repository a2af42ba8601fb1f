/** Wall time of the demo, as a newcomer starts it. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { withCleanup } from "../../src/cli/process/cleanup.ts";
import { projectPath } from "../../src/config/project.ts";
import type { Bench, BenchContext } from "../support/bench.ts";
import { startDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/folder.ts";
import { median, round } from "../support/stats.ts";
import { startTemporal } from "../support/temporal.ts";

const RUNS = 3;
/** Characters of its output, for the error when it fails. */
const LAST_WORDS = 2_000;

export const demo: Bench = {
  name: "demo",
  about: "wall time of `npm run demo -- --once`, beside the start of its two servers alone",
  run: async (context) => {
    const runs = context.smoke ? 1 : RUNS;
    const ours: number[] = [];
    const bare: number[] = [];
    for (let run = 1; run <= runs; run++) {
      context.say(`run ${run} of ${runs}`);
      bare.push(await seconds(() => startServers(context)));
      ours.push(await seconds(runDemo));
    }
    return {
      figures: [
        { name: `the demo, median of ${runs}`, unit: "s", ours: round(median(ours)), bare: round(median(bare)) },
      ],
      breakdowns: [],
      facts: {},
      notes: [
        "ours: from the command to its end, with status 0",
        "bare: Temporal dev server and embedded PostgreSQL, up and down",
      ],
    };
  },
};

async function seconds(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

function startServers({ say }: BenchContext): Promise<void> {
  return withCleanup(async (defer) => {
    const folder = await temporaryFolder(defer);
    const temporal = await startTemporal("memory", { folder, say });
    defer(() => temporal.stop());
    const database = await startDatabase(join(folder, "postgres"));
    defer(() => database.stop());
  });
}

function runDemo(): Promise<void> {
  const args = ["run", "--silent", "demo", "--", "--once", "--port", "0", "--temporal-port", "0", "--ui-port", "0"];
  return new Promise((resolve, reject) => {
    const child = spawn("npm", args, { cwd: projectPath(), stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-LAST_WORDS)));
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`the demo ended with ${code ?? signal}; it said: …${said}`));
    });
  });
}
