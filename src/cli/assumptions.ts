/** What a recording does not say, as options of `backtest` and `try`. Plain data: it goes to another thread as it is. */
import { InvalidArgumentError, Option } from "commander";
import { DEFAULT_ASSUMPTIONS, DEFAULT_WORK_MS, type Assumptions } from "../backtest/assumptions.ts";
import { DURATION_HELP, parseDuration } from "../catalogue/duration.ts";

export interface AssumptionOptions {
  work?: Work[];
  approve: number | null;
  reset: number | null;
}

interface Work {
  runbook: string | null;
  ms: number;
}

export function assumptionOptions(): Option[] {
  return [
    new Option(
      "--work <[runbook=]duration...>",
      `how long a plan holds its leases; default ${DEFAULT_WORK_MS / 60_000}m`,
    ).argParser((text: string, before: Work[] = []) => [...before, parseWork(text)]),
    new Option("--approve <duration>", "after which a person approves, or never")
      .argParser(durationOrNever)
      .default(DEFAULT_ASSUMPTIONS.approveAfterMs, "10m"),
    new Option("--reset <duration>", "after which a person resets a breaker, or never")
      .argParser(durationOrNever)
      .default(DEFAULT_ASSUMPTIONS.resetAfterMs, "1h"),
  ];
}

export function assumptionsOf({ work = [], approve, reset }: AssumptionOptions): Assumptions {
  const forAll = work.findLast((one) => one.runbook === null)?.ms ?? DEFAULT_WORK_MS;
  const byRunbook = new Map(work.flatMap(({ runbook, ms }) => (runbook === null ? [] : [[runbook, ms] as const])));
  return {
    ...DEFAULT_ASSUMPTIONS,
    workMs: (runbook) => byRunbook.get(runbook) ?? forAll,
    approveAfterMs: approve,
    resetAfterMs: reset,
  };
}

/** In the words of the report. */
export function assumedText({ work = [], approve, reset }: AssumptionOptions): string[] {
  const minutes = (ms: number): string => `${Math.round(ms / 60_000)} min`;
  const forAll = work.findLast((one) => one.runbook === null)?.ms ?? DEFAULT_WORK_MS;
  const others = work.flatMap(({ runbook, ms }) => (runbook === null ? [] : [`, ${runbook} ${minutes(ms)}`]));
  return [
    "an alert that fires stands for a probe that says unhealthy",
    `a plan holds its leases for ${minutes(forAll)}${others.join("")}, and heals`,
    approve === null ? "nobody approves" : `a person approves after ${minutes(approve)}`,
    reset === null ? "nobody resets a breaker" : `a person resets a breaker after ${minutes(reset)}`,
    "evidence is not known: a `require` that needs it refuses",
    "no silence of a person, window or mode set by hand, hold of another system or spent error budget of an objective",
  ];
}

function parseWork(text: string): Work {
  const [, runbook, written = ""] = /^(?:([^=]+)=)?(.+)$/.exec(text) ?? [];
  return { runbook: runbook ?? null, ms: duration(written) };
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError(`${DURATION_HELP}.`);
  return ms;
}

function durationOrNever(text: string): number | null {
  return text === "never" ? null : duration(text);
}
