/** A month of alerts of a large fleet through two folders, beside reading and parsing the same file. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { DEFAULT_ASSUMPTIONS } from "../../src/backtest/assumptions.ts";
import { backtestFolders } from "../../src/cli/backtest.ts";
import { withCleanup } from "../../src/cli/process/cleanup.ts";
import type { Bench } from "../support/bench.ts";
import { FLEET, writeFleet } from "../support/fleet.ts";
import { temporaryFolder } from "../support/folder.ts";
import { watchHeaps, type Heaps } from "../support/heaps.ts";
import { writeRecording } from "../support/recording.ts";
import { round } from "../support/stats.ts";

/** Of a month. */
const SMOKE_SHARE = 0.005;
const MIB = 1024 ** 2;

export const backtest: Bench = {
  name: "backtest",
  about: "a month of alerts of a large fleet through two folders, beside reading the file",
  run: ({ smoke, say }) =>
    withCleanup(async (defer) => {
      const folder = await temporaryFolder(defer);
      const file = join(folder, "recorded.jsonl");
      const lines = await writeRecording(file, smoke ? SMOKE_SHARE : 1);
      const alerts = Object.values(lines).reduce((sum, count) => sum + count, 0);
      say(`${alerts} alerts, ${round((await stat(file)).size / MIB)} MiB`);
      const before = await writeFleet(join(folder, "before"), { mode: "observe", cap: "10%" });
      const after = await writeFleet(join(folder, "after"), { mode: "auto", cap: "5%" });
      const bare = await timed(() => parseAll(file));
      const marks = new Marks(alerts, { heaps: watchHeaps(defer), say });
      const ours = await timed(() =>
        backtestFolders({
          ...{ before, after, recorded: { files: [file] } },
          assume: { approve: DEFAULT_ASSUMPTIONS.approveAfterMs, reset: DEFAULT_ASSUMPTIONS.resetAfterMs },
          onProgress: (done) => marks.look(done),
          signal: new AbortController().signal,
        }),
      );
      const { fates } = ours.value.after;
      if (ours.value.alerts !== alerts || fates.acted === 0)
        throw new Error(`not a backtest: ${JSON.stringify(fates)}`);
      return {
        figures: [
          { name: "a month", unit: "s", ours: round(ours.seconds), bare: round(bare.seconds) },
          { name: "CPU of all threads", unit: "s", ours: round(ours.cpuSeconds), bare: round(bare.cpuSeconds) },
          { name: "alerts", unit: "alerts/s", ours: round(alerts / ours.seconds), bare: round(alerts / bare.seconds) },
          ...marks.quarters.map(({ name, residentMiB }) => ({
            name: `most resident memory, ${name}`,
            ...{ unit: "MiB", ours: residentMiB, bare: bare.value },
          })),
        ],
        breakdowns: [
          {
            title: "what the lines say",
            header: ["line", "alerts", "%"],
            rows: Object.entries(lines).map(([line, count]) => [line, count, round((100 * count) / alerts)]),
          },
          {
            title: "how far it was",
            header: ["alerts", "s", "alerts/s", "most resident MiB", "least heap MiB"],
            rows: marks.quarters.map(({ name, seconds, rate, residentMiB, heapMiB }) => [
              ...[name, round(seconds), round(rate), residentMiB, heapMiB],
            ]),
          },
          {
            title: "what the new folder did",
            header: ["fate", "remediations"],
            rows: Object.entries(fates).map(([fate, count]) => [fate, count]),
          },
        ],
        facts: { ...FLEET, alerts },
        notes: [
          "the goal of a month is 60 s",
          "one process with a thread for each folder and one that reads; loading both folders is part of the time",
          "the bare reader splits the file into lines and parses each",
        ],
      };
    }),
};

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; cpuSeconds: number; value: T }> {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6, value };
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

/** Time and memory of each quarter of the alerts; tells how far it is. */
class Marks {
  readonly quarters: { name: string; seconds: number; rate: number; residentMiB: number; heapMiB: number }[] = [];
  private readonly alerts: number;
  private readonly heaps: Heaps;
  private readonly say: (line: string) => void;
  private begun = { done: 0, percent: 0, at: performance.now() };
  private most = 0;

  constructor(alerts: number, { heaps, say }: { heaps: Heaps; say: (line: string) => void }) {
    this.alerts = alerts;
    this.heaps = heaps;
    this.say = say;
  }

  look(done: number): void {
    this.most = Math.max(this.most, residentMiB());
    this.heaps.read();
    const percent = 25 * Math.floor((4 * done) / this.alerts);
    const { begun, most } = this;
    if (percent === begun.percent) return;
    const at = performance.now();
    const seconds = (at - begun.at) / 1000;
    const heapMiB = this.heaps.least();
    const name = `${begun.percent} to ${percent} %`;
    this.quarters.push({ name, seconds, rate: (done - begun.done) / seconds, residentMiB: most, heapMiB });
    this.say(`${name}: ${round(seconds)} s, at most ${most} MiB resident, at least ${heapMiB} MiB heap`);
    this.begun = { done, percent, at };
    this.most = 0;
  }
}

/** Of the whole process, all its threads. */
function residentMiB(): number {
  return Math.round(process.memoryUsage.rss() / MIB);
}
