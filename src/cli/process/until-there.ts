/**
 * A worker or API that starts before its database or Temporal waits for them, as it waits for them later: restarts in a
 * circle help nobody. What waiting cannot cure (a wrong password, a database that does not exist) ends it at once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { isTemporalUnreachable } from "../../config/temporal.ts";
import { messageOf } from "../../config/user-error.ts";
import { isRecordUnavailable } from "../../record/errors.ts";
import { checkpoint } from "./stopped.ts";

export interface Patience {
  stop: AbortSignal;
  log: Logger;
  /** Before each pause, with what is waited for. */
  onWait?: (system: "record" | "temporal", why: string) => Promise<void>;
  firstPauseMs?: number;
  longestPauseMs?: number;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Tries until it works; each failure is a line in the log. Throws Stopped when `stop` is aborted. */
export async function untilThere<T>(attempt: () => Promise<T>, patience: Patience): Promise<T> {
  const { stop, log, onWait, firstPauseMs = FIRST_PAUSE_MS, longestPauseMs = LONGEST_PAUSE_MS } = patience;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    checkpoint(stop);
    try {
      return await attempt();
    } catch (error) {
      const system = awayOf(error);
      if (system === null) throw error;
      const why = messageOf(error);
      log.warn({ waitsFor: system, why, againInMs: pauseMs }, `waits for the ${NAMES[system]}: ${why}`);
      await onWait?.(system, why);
      await sleep(pauseMs, undefined, { signal: stop }).catch(() => undefined);
    }
  }
}

const NAMES = { record: "record's database", temporal: "Temporal server" } as const;

/** What is away and may come back; null: waiting does not help. */
function awayOf(error: unknown): "record" | "temporal" | null {
  if (isRecordUnavailable(error)) return error.lasting ? null : "record";
  if (isTemporalUnreachable(error)) return error.lasting ? null : "temporal";
  return null;
}
