/** A server that was started as a process of ours, until it works. */
import { setTimeout as sleep } from "node:timers/promises";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import { describeEnding, type WatchedProcess } from "./watched.ts";

const READY_WITHIN_MS = 60_000;
const POLL_MS = 50;
/** Lines of its output in the error. */
const LAST_WORDS = 5;

/**
 * Asks until `ask` does not reject. When the process ends, `stop` is aborted or a minute is over, nothing is left of it:
 * rejects with a UserError that says why, and what `name` said last.
 */
export async function untilReady(
  name: string,
  server: WatchedProcess,
  { ask, stop }: { ask: () => Promise<void>; stop?: AbortSignal | undefined },
): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  let ended: string | null = null;
  void server.ended.then((ending) => (ended = `it ended (${describeEnding(ending)})`));
  let last = "no answer yet";
  while (ended === null && stop?.aborted !== true && performance.now() < deadline) {
    try {
      await ask();
      return;
    } catch (error) {
      last = messageOf(error);
    }
    await sleep(POLL_MS);
  }
  const late = `not ready after ${READY_WITHIN_MS / 1000} s (${last})`;
  const why = ended ?? (stop?.aborted === true ? "it was stopped" : late);
  await server.stop();
  const said = server.tail().slice(-LAST_WORDS).map(withoutStack).join(" | ");
  throw new UserError(`${name} did not start: ${why}${said === "" ? "" : `; it said: ${said}`}`, {
    exitCode: EXIT.unavailable,
  });
}

/** A Temporal server logs JSON lines, with the stack of every error. */
function withoutStack(line: string): string {
  try {
    const { msg, error } = JSON.parse(line) as { msg?: string; error?: string };
    return [msg, error].filter((part) => part !== undefined).join(": ");
  } catch {
    return line.slice(0, 300);
  }
}
