/** Kills what can be killed, by a schedule, and measures how long it took until it was back and work went on. */
import { pause } from "../process/pause.ts";
import type { Kill } from "./schedule.ts";

/** A process of the stack, or of any other topology. */
export interface Killable {
  /** `worker`, `API`, `Temporal`, `database`. */
  name: string;
  readonly pid: number;
  /** SIGKILL. Somebody starts it again; resolves to true when it is ready again, false when it will not be. */
  kill(): Promise<boolean>;
  /** Whether work went on since then (ms of the wall clock): only asked when it is back. May reject: not yet. */
  worksSince(sinceMs: number): Promise<boolean>;
}

/** One kill. Times are in ms, from the kill. */
export interface Recovery {
  victim: string;
  pid: number;
  /** Until the new process was ready. */
  backMs: number;
  /** Until the first sign of work after that; null: the run ended first. */
  workMs: number | null;
}

export interface ChaosReport {
  onKill: (victim: string, pid: number) => void;
  onBack: (victim: string, backMs: number) => void;
  onWork: (victim: string, workMs: number) => void;
  /** What is dead already is not killed again. */
  onSkip: (victim: string) => void;
}

const LOOK_EVERY_MS = 100;
/** More are not dead at once: on a slow machine nothing would ever run. */
const MOST_AWAY = 2;

/** Until `stop`; resolves with every kill when all that was killed is back. */
export async function chaos(
  schedule: Iterable<Kill>,
  killables: readonly Killable[],
  report: ChaosReport,
  stop: AbortSignal,
): Promise<Recovery[]> {
  const byName = new Map(killables.map((one) => [one.name, one]));
  const away = new Map<string, Promise<void>>();
  const recoveries: Recovery[] = [];
  for (const { afterMs, victim } of schedule) {
    if (!(await pause(afterMs, stop))) break;
    const killable = byName.get(victim);
    if (killable === undefined) throw new Error(`the schedule kills ${victim}, which nobody has`);
    if (away.has(victim)) {
      report.onSkip(victim);
      continue;
    }
    const returning = killOne(killable, report, stop)
      .then((recovery) => void (recovery !== null && recoveries.push(recovery)))
      .finally(() => away.delete(victim));
    away.set(victim, returning);
    if (away.size >= MOST_AWAY) await Promise.race(away.values());
  }
  await Promise.all(away.values());
  return recoveries;
}

async function killOne(killable: Killable, report: ChaosReport, stop: AbortSignal): Promise<Recovery | null> {
  const startedAt = performance.now();
  const { name: victim, pid } = killable;
  report.onKill(victim, pid);
  if (!(await killable.kill())) return null;
  const backMs = performance.now() - startedAt;
  report.onBack(victim, backMs);
  const worked = await untilWorking(killable, Date.now(), stop);
  const workMs = worked ? performance.now() - startedAt : null;
  if (workMs !== null) report.onWork(victim, workMs);
  return { victim, pid, backMs, workMs };
}

async function untilWorking(killable: Killable, sinceMs: number, stop: AbortSignal): Promise<boolean> {
  while (!stop.aborted) {
    // What it needs may be dead just now.
    if (await killable.worksSince(sinceMs).catch(() => false)) return true;
    await pause(LOOK_EVERY_MS, stop);
  }
  return false;
}
