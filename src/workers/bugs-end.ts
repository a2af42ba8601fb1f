/**
 * What an activity of the stages throws is tried again for ever, because nothing may go on without it. That is right while
 * a server is away, and would hide a bug: the workflow would hang without a word (law 12). So what no server's absence
 * explains is tried for a while, in which a better version may be rolled out, and then it fails for good: the remediation
 * ends in its safe state, and a person is told.
 */
import { Context } from "@temporalio/activity";
import { ApplicationFailure, TemporalFailure } from "@temporalio/common";
import type { Logger } from "pino";
import { messageOf, UserError } from "../config/user-error.ts";
import { AdapterError } from "../ports/failure.ts";
import { Unavailable } from "../starters/problems.ts";
import { remediationIdIn } from "./log-attributes.ts";

type Activity = (...args: never[]) => Promise<unknown>;

/** A rolling upgrade or its rollback is over by then. */
const UPGRADE_MS = 15 * 60_000;

export function bugsEnd<T extends Record<string, Activity>>(activities: T, log: Logger): T {
  return Object.fromEntries(
    Object.entries(activities).map(([name, run]): [string, Activity] => [
      name,
      async (...args) => {
        try {
          return await run(...args);
        } catch (error) {
          if (isKnown(error)) throw error;
          const remediationId = remediationIdIn(args) ?? undefined;
          log.error({ remediationId, activity: name, err: error }, "a bug in an activity");
          throw notForEver(`a bug in selfheal: ${messageOf(error)}`, error);
        }
      },
    ]),
  ) as T;
}

/** Retryable until a rolling upgrade would be over; counted from the first try. */
export function notForEver(message: string, cause?: unknown): ApplicationFailure {
  const { scheduledTimestampMs, currentAttemptScheduledTimestampMs } = Context.current().info;
  const nonRetryable = currentAttemptScheduledTimestampMs - scheduledTimestampMs >= UPGRADE_MS;
  const type = nonRetryable ? "permanent" : "transient";
  return ApplicationFailure.create({ message, type, nonRetryable, ...(cause instanceof Error ? { cause } : {}) });
}

/** Says what it is: something is away, a person can cure it, or it was told to stop. */
function isKnown(error: unknown): boolean {
  return (
    error instanceof UserError ||
    error instanceof Unavailable ||
    error instanceof AdapterError ||
    error instanceof TemporalFailure ||
    (error instanceof Error && error.name === "AbortError")
  );
}
