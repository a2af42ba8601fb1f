/**
 * The bulk watcher (design §3, "Waiting costs nothing"): asks each external system once for everything that the record
 * says is waited for, and hints the waiters whose state word changed. A hint carries no truth; the workflow reads again.
 * Watchers in several processes do no harm: the worst is a hint twice.
 */
import type { Logger } from "pino";
import { messageOf } from "../config/user-error.ts";
import type { FaultHook } from "../contracts/fault-points.ts";
import { OUTSIDE_SYSTEM } from "../contracts/outside.ts";
import { WATCHED_SYSTEMS } from "../ports/action.ts";
import type { Ports } from "../ports/ports.ts";
import type { RecordStore, WaitRow } from "../record/api.ts";
import { Gate } from "../starters/gate.ts";
import type { Remediations } from "../starters/remediations.ts";
import { HARM_SYSTEM, lookAtHarm } from "./harm.ts";
import { LOOKS, type Look } from "./look.ts";
import { lookOutside, type Unhealthy } from "./outside.ts";

export interface WatchDependencies {
  record: Pick<RecordStore, "openWaits" | "markSeen" | "admissibleWaiters">;
  ports: Ports;
  remediations: Pick<Remediations, "hint">;
  log: Logger;
  /** Milliseconds; default the process's clock. */
  now?: () => number;
  faultPoint?: FaultHook | undefined;
  /** Brings threads of messages up to date; left out: there are none. */
  threads?: () => Promise<unknown>;
  /** Left out: nobody asks for the health of groups. */
  unhealthy?: Unhealthy;
}

export interface WatchReport {
  /** Waits that were looked at. */
  waits: number;
  hints: number;
  /** `tickets: no answer …`: systems, or parts of the round, that failed. The others were looked at all the same. */
  failures: string[];
}

const LOOKS_BY_SYSTEM: readonly (readonly [string, Look])[] = [
  ...WATCHED_SYSTEMS.map((system) => [system, LOOKS[system]] as const),
  [HARM_SYSTEM, lookAtHarm],
];
const HINTS_AT_ONCE = 8;
const WAITERS = 50;
/** A waiter that did not take its hint (no worker) gets the next one this much later: hints grow its history. */
const QUEUE_HINT_EVERY_MS = 30_000;

/** Keeps in mind between rounds whom it told to ask for admission again. */
export class Watcher {
  private readonly deps: WatchDependencies;
  private readonly told = new Map<string, number>();
  private readonly gate = new Gate(HINTS_AT_ONCE);
  private readonly lookOutside: Look;

  constructor(deps: WatchDependencies) {
    this.deps = deps;
    this.lookOutside = lookOutside(deps.unhealthy ?? (() => Promise.resolve(null)));
  }

  /** One round. Never rejects: what fails is in the report and in the log. */
  async once(): Promise<WatchReport> {
    const report: WatchReport = { waits: 0, hints: 0, failures: [] };
    const looks = [...LOOKS_BY_SYSTEM, [OUTSIDE_SYSTEM, this.lookOutside] as const];
    const rounds = looks.map(([system, look]) => this.attempt(system, report, () => this.system(system, look, report)));
    await Promise.all([
      ...rounds,
      this.attempt("queue", report, () => this.queue(report)),
      this.attempt("threads", report, async () => void (await this.deps.threads?.())),
    ]);
    return report;
  }

  private async attempt(part: string, report: WatchReport, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      report.failures.push(`${part}: ${messageOf(error)}`);
      this.deps.log.warn({ part, err: error }, "the watcher could not look; it tries again in the next round");
    }
  }

  private async system(system: string, look: Look, report: WatchReport): Promise<void> {
    const waits = await this.deps.record.openWaits(system);
    if (waits.length === 0) return;
    report.waits += waits.length;
    const words = await look(this.deps.ports, [...new Set(waits.map((wait) => wait.ref))]);
    const changed = waits.flatMap((wait) => {
      const word = words.get(wait.ref);
      return word === undefined || word === wait.seen ? [] : [{ wait, word }];
    });
    const hinted = await Promise.allSettled(
      changed.map(({ wait, word }) => this.gate.through(() => this.hintAndMark(wait, word))),
    );
    report.hints += hinted.filter((one) => one.status === "fulfilled").length;
    const failed = hinted.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** Hint first: a death in between repeats the hint, the other way round it would be lost. */
  private async hintAndMark(wait: WaitRow, word: string): Promise<void> {
    const { key, remediationId, workflowId, ref } = wait;
    const told = await this.deps.remediations.hint(workflowId, key);
    this.deps.faultPoint?.("watch.hinted", workflowId);
    await this.deps.record.markSeen(key, word);
    this.deps.faultPoint?.("watch.marked", workflowId);
    const level = told === "told" ? "info" : "warn";
    this.deps.log[level](
      { remediationId, system: wait.system, ref, from: wait.seen, to: word, told },
      "hinted a waiter",
    );
  }

  private async queue(report: WatchReport): Promise<void> {
    const waiters = await this.deps.record.admissibleWaiters(WAITERS);
    const now = (this.deps.now ?? Date.now)();
    // A clock that was set back tells nothing about how long ago it was.
    for (const [id, at] of this.told) if (at > now || at + QUEUE_HINT_EVERY_MS <= now) this.told.delete(id);
    for (const { workflowId, remediationId } of waiters) {
      if (this.told.has(remediationId)) continue;
      await this.deps.remediations.hint(workflowId, `${remediationId}/queue`);
      this.told.set(remediationId, now);
      report.hints += 1;
    }
  }
}

/** One round of a watcher without memory, for tests and the command line. */
export function watchOnce(deps: WatchDependencies): Promise<WatchReport> {
  return new Watcher(deps).once();
}
