/** How long a worker that has lost its cache needs to be where it was: replay of the flagship's history. */
import { Runtime, Worker, DefaultLogger, type ReplayWorkerOptions } from "@temporalio/worker";
import { load } from "../../test/replay/corpus.ts";
import { currentBundle } from "../../src/workers/bundle.ts";
import { bareBundle } from "../bare/bundle.ts";
import type { Bench } from "../support/bench.ts";
import { startBare, untilClosed } from "../support/bare.ts";
import { eventsOf, type History } from "../support/history.ts";
import { bareMessage } from "../support/message.ts";
import { percentile, round } from "../support/stats.ts";
import { withStack } from "../support/stack.ts";

const FULL = { replays: 300, warmUp: 20 };
const SMOKE = { replays: 3, warmUp: 1 };
/** Events of one activity of a workflow that runs one after the other, with its workflow task. */
const EVENTS_EACH = 6;
const WITHIN_MS = 60_000;

export const replay: Bench = {
  name: "replay",
  about: "replay of the flagship's history, beside a bare workflow's of as many events",
  run: async (context) => {
    Runtime.install({ logger: new DefaultLogger("ERROR", () => undefined) });
    const size = context.smoke ? SMOKE : FULL;
    const flagship = await load("healed");
    const bare = await withStack(context, { hosts: 1, mode: "observe" }, async (stack) => {
      await stack.startBare("worker");
      const activities = Math.round((eventsOf(flagship).length - EVENTS_EACH) / EVENTS_EACH);
      await startBare(stack.client, "bare", "bare-replay", bareMessage("bare"), activities);
      await untilClosed(stack.client, "bare", 1, WITHIN_MS);
      return { history: await stack.client.workflow.getHandle("bare-replay").fetchHistory(), facts: stack.facts };
    });
    context.say(`${size.replays} replays of each`);
    const ours = await replays({ codePath: (await currentBundle()).codePath }, "remediation", flagship, size);
    const theirs = await replays(await bareBundle(), "bare", bare.history, size);
    const figure = (name: string, unit: string, of: (ms: number[]) => number) => ({
      name,
      unit,
      ours: round(of(ours), 2),
      bare: round(of(theirs), 2),
    });
    return {
      figures: [
        figure("replay p50", "ms", (ms) => percentile(ms, 50)),
        figure("replay p99", "ms", (ms) => percentile(ms, 99)),
        { name: "events", unit: "", ours: eventsOf(flagship).length, bare: eventsOf(bare.history).length },
      ],
      breakdowns: [],
      facts: bare.facts,
      notes: [
        "one worker, one history after the other; from the end of one replay to the end of the next",
        "ours is the committed history test/replay/histories/healed.json.gz with the current workflow bundle",
      ],
    };
  },
};

async function replays(
  workflowBundle: NonNullable<ReplayWorkerOptions["workflowBundle"]>,
  name: string,
  history: History,
  { replays: count, warmUp }: typeof FULL,
): Promise<number[]> {
  const replayed = Array.from({ length: warmUp + count }, () => Promise.withResolvers<void>());
  const histories = async function* () {
    for (const [index, { promise }] of replayed.entries()) {
      yield { workflowId: `${name}-${index}`, history };
      // The SDK would take all of them in at once.
      await promise;
    }
  };
  const ms: number[] = [];
  let last = performance.now();
  for await (const { error } of Worker.runReplayHistories({ workflowBundle }, histories())) {
    if (error !== undefined) throw error;
    const now = performance.now();
    replayed[ms.length]?.resolve();
    ms.push(now - last);
    last = now;
  }
  return ms.slice(warmUp);
}
