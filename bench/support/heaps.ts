/**
 * What of the heaps of this process is in use, those of its threads together. A reading holds garbage too: the least of
 * many is nearest to what is kept.
 */
import { getHeapStatistics } from "node:v8";
import type { Worker } from "node:worker_threads";
import type { Defer } from "../../src/cli/process/cleanup.ts";

const MIB = 1024 ** 2;

export interface Heaps {
  /** Reads all of them, without stopping any for long. */
  read: () => void;
  /** MiB: the least that each held since the last time this was asked, added up. */
  least: () => number;
}

/** Of this thread, and of those that are started from now on. */
export function watchHeaps(defer: Defer): Heaps {
  const threads = new Set<Worker>();
  const onThread = (thread: Worker): void => {
    threads.add(thread);
    thread.once("exit", () => threads.delete(thread));
  };
  process.on("worker", onThread);
  defer(() => process.off("worker", onThread));
  let least = new Map<Worker | null, number>();
  return {
    read: () => {
      const span = least;
      const see = (whose: Worker | null, bytes: number): void =>
        void span.set(whose, Math.min(bytes, span.get(whose) ?? Infinity));
      see(null, getHeapStatistics().used_heap_size);
      for (const thread of threads) {
        // One that ends meanwhile has none.
        thread.getHeapStatistics().then(
          ({ used_heap_size }) => see(thread, used_heap_size),
          () => undefined,
        );
      }
    },
    least: () => {
      const bytes = [...least.values()].reduce((sum, one) => sum + one, 0);
      least = new Map();
      return Math.round(bytes / MIB);
    },
  };
}
