/** The end of a long-running command by a signal. */
import { EXIT } from "../../config/user-error.ts";

/** npm passes a Ctrl-C on although the terminal gave it to us already: that is not a second one. */
const SAME_KEYSTROKE_MS = 500;
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface StopRequest {
  /** Aborted by the first signal. */
  signal: AbortSignal;
  /** Resolves at the first signal, with its name. */
  requested: Promise<NodeJS.Signals>;
  /** Asks for the end as a signal would, for a stop that has another cause. */
  request: () => void;
  /** Gives the signals back to Node's defaults. */
  release: () => void;
}

/** From now on the first signal asks for a clean stop, and a second one (a repeated Ctrl-C) ends the process at once. */
export function stopOnSignals(onForced: () => void = () => undefined): StopRequest {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let firstAt: number | null = null;
  const listener = (signal: NodeJS.Signals): void => {
    if (firstAt === null) {
      firstAt = performance.now();
      controller.abort();
      resolve(signal);
      return;
    }
    if (performance.now() - firstAt < SAME_KEYSTROKE_MS) return;
    onForced();
    process.exit(EXIT.interrupted);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, listener);
  return {
    signal: controller.signal,
    requested: promise,
    request: () => {
      firstAt ??= performance.now();
      controller.abort();
      resolve("SIGTERM");
    },
    release: () => {
      for (const signal of STOP_SIGNALS) process.off(signal, listener);
    },
  };
}
