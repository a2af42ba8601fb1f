/** The thread of one folder of a backtest: see backtest-side.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { ACTIONS } from "../activities/actions.ts";
import { promotedIn } from "../backtest/attest.ts";
import { sideOf, type Side, type SideBatch, type SideEnd } from "../backtest/side.ts";
import { UserError } from "../config/user-error.ts";
import type { Alert } from "../contracts/alert.ts";
import { requireCatalogue } from "../starters/active-catalogue.ts";
import { assumptionsOf } from "./assumptions.ts";
import type { ThreadData, ThreadReply, ThreadRequest } from "./backtest-side.ts";

const { folder, promoted, assume } = workerData as ThreadData;

async function open(): Promise<Side> {
  const catalogue = promotedIn(await requireCatalogue(folder, ACTIONS), promoted);
  return sideOf({ catalogue, assumptions: assumptionsOf(assume) });
}

async function answer(request: ThreadRequest): Promise<void> {
  try {
    const there = await side;
    reply({ answer: JSON.stringify(await done(there, request)) });
  } catch (error) {
    // A UserError was written to be read; anything else is a bug, and ends the thread with its stack.
    if (!(error instanceof UserError)) throw error;
    reply({ fault: error.message, exitCode: error.exitCode });
  }
}

function done(there: Side, request: ThreadRequest): Promise<SideBatch | SideEnd> | null {
  if (request === "open") return null;
  return request === "finish" ? there.finish() : there.run(JSON.parse(request.alerts) as Alert[]);
}

function reply(message: ThreadReply): void {
  parentPort?.postMessage(message);
}

const side = open();
// Told to whoever asks first.
side.catch(() => undefined);
parentPort?.on("message", (request: ThreadRequest) => void answer(request));
