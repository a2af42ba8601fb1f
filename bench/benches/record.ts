/** What the record alone can do, on PostgreSQL with fsync, beside bare one-row transactions. */
import { withCleanup } from "../../src/cli/process/cleanup.ts";
import type { Plan } from "../../src/contracts/plan.ts";
import type { RecordStore } from "../../src/record/api.ts";
import { admitting, anIntent, aPlan, cap, planned, received } from "../../test/record/builders.ts";
import type { Bench } from "../support/bench.ts";
import { startRecord } from "../support/database.ts";
import { mapLimit } from "../support/load.ts";
import { AT_ONCE, bareTransactions, rate } from "../support/rates.ts";
import { round } from "../support/stats.ts";

const FULL_COUNT = 2_000;
const SMOKE_COUNT = 30;
/** Nothing waits for a place: the work is measured, not the queue. */
const ROOMY = 1_000_000;

export const record: Bench = {
  name: "record",
  about: "admissions, effect intents and receives a second, beside bare one-row transactions",
  run: ({ smoke, say }) =>
    withCleanup(async (defer) => {
      const { database, store } = await startRecord(defer, AT_ONCE);
      const count = smoke ? SMOKE_COUNT : FULL_COUNT;
      say(`${count} of each`);
      const bare = await bareTransactions(database.url, count);
      const rates = await ratesOf(store, count);
      return {
        figures: Object.entries(rates).map(([name, ours]) => ({
          name,
          unit: "/s",
          ours: round(ours),
          bare: round(bare),
        })),
        breakdowns: [],
        facts: await database.facts(),
        notes: [
          `${AT_ONCE} at once, from the bench's process; each is durable when it is counted`,
          "bare: an insert of one row, committed, through the same driver",
          "admissions: each its own target, all under one group's cap, which has room; receives: bodies of one alert",
        ],
      };
    }),
};

async function ratesOf(store: RecordStore, count: number): Promise<Record<string, number>> {
  const plans = Array.from({ length: count }, (_, index) =>
    aPlan({ target: `bench-${index}`, caps: [cap("group:web", ROOMY)] }),
  );
  const episodes: { id: string; plan: Plan }[] = await mapLimit(plans, AT_ONCE, async (plan) => ({
    id: await planned(store, plan),
    plan,
  }));
  const admissions = await rate(episodes, async ({ id, plan }) => {
    const { status } = await admitting(store, id, plan);
    if (status !== "admitted") throw new Error(`${plan.target.id} was ${status} instead of admitted`);
  });
  const intents = await rate(episodes, async ({ id }) => {
    const fence = await store.beginEffect(anIntent(id));
    if (!fence.ok) throw new Error(`the effect was fenced: ${fence.detail}`);
  });
  const receives = await rate([...plans.keys()], (index) => store.receive([received({ fingerprint: `f${index}` })]));
  return { admissions, "effect intents": intents, "receives of new alerts": receives };
}
