/** A folder's world in a thread of its own: the two worlds of a backtest have a core each, beside the thread that reads. */
import { Worker } from "node:worker_threads";
import type { Side, SideBatch, SideEnd } from "../backtest/side.ts";
import { UserError } from "../config/user-error.ts";
import type { Alert } from "../contracts/alert.ts";
import type { AssumptionOptions } from "./assumptions.ts";

export interface ThreadData {
  folder: string;
  /** Runbooks that are taken as promoted in it. */
  promoted: readonly string[];
  assume: AssumptionOptions;
}
/** JSON as text: it is received ten times as fast as the same as objects. */
export type ThreadRequest = "open" | { alerts: string } | "finish";
export type ThreadReply = { answer: string } | { fault: string; exitCode: number };

export interface ThreadSide extends Side {
  /** Until the folder is loaded. */
  open: () => Promise<void>;
  /** Ends the thread, finished or not. */
  stop: () => Promise<void>;
}

/**
 * V8 keeps up to 128 MiB for what is young, and collects a heap that may reach 2 GiB only when it is four times what was in
 * use. Both are more than a thread needs beside others: the world of 5,000 hosts uses some 160 MiB.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 48, maxOldGenerationSizeMb: 2_000 };

/** The folder is loaded there. What is wrong with it, or there, is what the next answer rejects with. */
export function threadSide(data: ThreadData): ThreadSide {
  const thread = new Worker(new URL("./backtest-thread.ts", import.meta.url), { workerData: data, resourceLimits });
  const waiting: PromiseWithResolvers<unknown>[] = [];
  let broken: Error | null = null;
  const breaks = (error: Error): void => {
    broken ??= error;
    for (const one of waiting.splice(0)) one.reject(error);
  };
  thread.on("message", (reply: ThreadReply) => {
    if ("fault" in reply) breaks(new UserError(reply.fault, { exitCode: reply.exitCode }));
    else waiting.shift()?.resolve(JSON.parse(reply.answer));
  });
  thread.on("error", breaks);
  thread.on("exit", (code) => breaks(new Error(`the thread of ${data.folder} ended with ${code}`)));
  const ask = (request: ThreadRequest): Promise<unknown> => {
    if (broken !== null) return Promise.reject(broken);
    const answer = Promise.withResolvers<unknown>();
    waiting.push(answer);
    thread.postMessage(request);
    return answer.promise;
  };
  return {
    open: async () => void (await ask("open")),
    run: async (alerts) => (await ask({ alerts: textOf(alerts) })) as SideBatch,
    finish: async () => (await ask("finish")) as SideEnd,
    stop: async () => void (await thread.terminate()),
  };
}

/** Both threads are given the same batches. */
const texts = new WeakMap<readonly Alert[], string>();

function textOf(alerts: readonly Alert[]): string {
  const known = texts.get(alerts) ?? JSON.stringify(alerts);
  texts.set(alerts, known);
  return known;
}
