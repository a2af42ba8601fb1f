/**
 * Loaded into a worker of ours with `node --import`, in its main thread and in each of its workflow threads (every one
 * has a heap of its own). At SIGUSR2 the main thread writes the sizes of all heaps, after a full collection, to the file
 * that BENCH_MEMORY_FILE names.
 */
import { writeFile } from "node:fs/promises";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { BroadcastChannel, isMainThread } from "node:worker_threads";

const ANSWERS_WITHIN_MS = 3_000;
const file = process.env["BENCH_MEMORY_FILE"] ?? "";
const questions = new BroadcastChannel("bench-memory-questions");
const answers = new BroadcastChannel("bench-memory-answers");
questions.unref();
answers.unref();

function usedHeap(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return getHeapStatistics().used_heap_size;
}

if (isMainThread) {
  let heaps: number[] = [];
  answers.onmessage = ({ data }) => void heaps.push(data as number);
  process.on("SIGUSR2", () => {
    heaps = [];
    questions.postMessage("how much?");
    setTimeout(() => void writeFile(file, JSON.stringify([usedHeap(), ...heaps])), ANSWERS_WITHIN_MS);
  });
} else {
  questions.onmessage = () => answers.postMessage(usedHeap());
}
