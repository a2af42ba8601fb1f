import type { Bench } from "../support/bench.ts";
import { actions } from "./actions.ts";
import { api } from "./api.ts";
import { audit } from "./audit.ts";
import { backtest } from "./backtest.ts";
import { demo } from "./demo.ts";
import { duplicates } from "./duplicates.ts";
import { memory } from "./memory.ts";
import { record } from "./record.ts";
import { replay } from "./replay.ts";
import { start } from "./start.ts";
import { storm } from "./storm.ts";

/** In the order in which they run. */
export const BENCHES: Bench[] = [start, storm, duplicates, actions, replay, memory, record, audit, api, backtest, demo];
