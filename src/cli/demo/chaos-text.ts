/** What `demo --chaos` says: the opening, each kill, and the books at the end. */
import type { ChaosReport, Recovery } from "../chaos/chaos.ts";
import { note, paint, table } from "../output.ts";
import type { Stack } from "../process/stack.ts";
import { reconciliationText } from "../reconcile/text.ts";
import { clock } from "./epilogue.ts";
import type { ChaosDemoOptions, ChaosResult } from "./play-chaos.ts";
import type { Say } from "./say.ts";

export function chaosPrologue(options: ChaosDemoOptions, stack: Stack, logFile: string): void {
  const { hosts, seed, timeScale } = options;
  const bold = (text: string): string => paint("bold", text, process.stderr);
  note("");
  note(bold(`${hosts} hosts fail one after the other, and heal ${timeScale} times as fast as real time.`));
  note("Meanwhile worker, API, Temporal and database are killed with SIGKILL at random.");
  note(`  seed ${seed}   Web UI ${paint("cyan", stack.urls.temporalUi ?? "", process.stderr)}   log ${logFile}`);
  note("");
}

export function chaosReport(say: Say): ChaosReport {
  return {
    onKill: (victim, pid) => say("chaos", paint("red", `SIGKILL to ${victim}, pid ${pid}`, process.stderr)),
    onBack: (victim, ms) => say("chaos", paint("green", `${victim} is back after ${seconds(ms)}`, process.stderr)),
    onWork: (victim, ms) =>
      say("chaos", paint("green", `${victim}: work went on ${seconds(ms)} after the kill`, process.stderr)),
    onSkip: (victim) => say("chaos", paint("dim", `${victim} is still on its way back`, process.stderr)),
  };
}

export function chaosEpilogue(result: ChaosResult): void {
  const out = (line: string): void => void process.stdout.write(`${line}\n`);
  out("");
  out(recoveryTable(result.recoveries));
  out("");
  if (result.reconciliation !== null) out(reconciliationText(result.reconciliation));
  const there = clock(result.seconds * 1000 * result.timeScale);
  out(
    `${result.hosts} hosts, ${result.recoveries.length} kills, ${result.seconds} s (${there} in the datacenter), settled after ${result.settledAfterSeconds} s; seed ${result.seed}`,
  );
}

/** A row for each kind of process: how often it was killed, and how long until it was back and work went on. */
export function recoveryTable(recoveries: readonly Recovery[]): string {
  const rows = [...Map.groupBy(recoveries, ({ victim }) => victim)].map(([victim, all]) => {
    const work = all.flatMap(({ workMs }) => (workMs === null ? [] : [workMs]));
    return [victim, String(all.length), spread(all.map(({ backMs }) => backMs)), spread(work)];
  });
  return table(["killed", "times", "back after (median, longest)", "work went on after"], rows);
}

function spread(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [median, longest] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted.at(-1)];
  return median === undefined || longest === undefined ? "" : `${seconds(median)}, ${seconds(longest)}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
