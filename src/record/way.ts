/**
 * Which way a change of the record came. Whoever lets requests in says it once, for everything that the request does, so
 * that no entry of the chain `control` can be without it.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/**
 * `selfheal`: nobody asked, the product decided it (a breaker, a pause after a failure). `file`: the configuration folder.
 * `signal`: a message of Temporal (its Web UI or CLI). `schedule`: a run that a Temporal Schedule started.
 */
export type Way = "api" | "cli" | "webUi" | "chat" | "signal" | "file" | "schedule" | "selfheal";

const ways = new AsyncLocalStorage<Way>();

/** Everything that `work` changes came this way. The innermost one counts. */
export function throughWay<T>(way: Way, work: () => T): T {
  return ways.run(way, work);
}

export function wayNow(): Way {
  return ways.getStore() ?? "selfheal";
}
