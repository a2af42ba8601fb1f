/** A month of alerts of a large fleet through two catalogues, beside reading and parsing the same file. */
import { stat } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { DEFAULT_ASSUMPTIONS } from "../../src/backtest/assumptions.ts";
import { backtest as run } from "../../src/backtest/backtest.ts";
import { recordedAlerts } from "../../src/backtest/recorded.ts";
import { withCleanup } from "../../src/cli/process/cleanup.ts";
import type { Alert } from "../../src/contracts/alert.ts";
import type { Bench } from "../support/bench.ts";
import { temporaryFolder } from "../support/folder.ts";
import { FLEET, fleetCatalogue, writeRecording } from "../support/recording.ts";
import { round } from "../support/stats.ts";

const FULL_ALERTS = 1_000_000;
const SMOKE_ALERTS = 5_000;
const MIB = 1024 ** 2;

export const backtest: Bench = {
  name: "backtest",
  about: "a month of alerts of a large fleet through two catalogues, beside reading the file",
  run: ({ smoke, say }) =>
    withCleanup(async (defer) => {
      const file = join(await temporaryFolder(defer), "recorded.jsonl");
      const alerts = await writeRecording(file, smoke ? SMOKE_ALERTS : FULL_ALERTS);
      say(`${alerts} alerts, ${round((await stat(file)).size / MIB)} MiB`);
      const bare = await timed(() => parseAll(file));
      const before = fleetCatalogue({ mode: "observe", cap: "10%" });
      const after = fleetCatalogue({ mode: "auto", cap: "5%" });
      const memory = new Memory();
      const stream = memory.watch(recordedAlerts({ files: [file] }), alerts);
      const ours = await timed(() => run({ alerts: stream, before, after, assumptions: DEFAULT_ASSUMPTIONS }));
      const { fates } = ours.value.after;
      if (ours.value.alerts !== alerts || fates.acted === 0)
        throw new Error(`not a backtest: ${JSON.stringify(fates)}`);
      return {
        figures: [
          { name: "a month", unit: "s", ours: round(ours.seconds), bare: round(bare.seconds) },
          { name: "alerts", unit: "alerts/s", ours: round(alerts / ours.seconds), bare: round(alerts / bare.seconds) },
          { name: "resident memory, after a quarter", unit: "MiB", ours: memory.quarters[0] ?? 0, bare: null },
          { name: "resident memory, at the end", unit: "MiB", ours: memory.quarters.at(-1) ?? 0, bare: null },
          { name: "resident memory, most", unit: "MiB", ours: memory.most, bare: bare.value },
        ],
        breakdowns: [
          {
            title: "what the new catalogue did",
            header: ["fate", "remediations"],
            rows: Object.entries(fates).map(([fate, count]) => [fate, count]),
          },
        ],
        facts: { ...FLEET, alerts },
        notes: [
          "one process; both catalogues in one pass, and the difference of every fault",
          "the bare reader splits the file into lines and parses each",
        ],
      };
    }),
};

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; value: T }> {
  const startedAt = performance.now();
  const value = await work();
  return { seconds: (performance.now() - startedAt) / 1000, value };
}

/** Answers its resident memory in MiB. */
async function parseAll(file: string): Promise<number> {
  let rest = "";
  for await (const chunk of createReadStream(file, { encoding: "utf8", highWaterMark: MIB })) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) JSON.parse(line);
  }
  return residentMiB();
}

class Memory {
  /** After each quarter of the alerts. */
  readonly quarters: number[] = [];
  most = 0;

  async *watch(batches: AsyncIterable<Alert[]>, alerts: number): AsyncGenerator<Alert[]> {
    let seen = 0;
    for await (const batch of batches) {
      yield batch;
      seen += batch.length;
      this.most = Math.max(this.most, residentMiB());
      if (seen >= ((this.quarters.length + 1) * alerts) / 4) this.quarters.push(residentMiB());
    }
  }
}

function residentMiB(): number {
  return Math.round(process.memoryUsage.rss() / MIB);
}
