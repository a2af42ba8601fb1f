/** Repeats of alerts that are in the record and delivered: how many a second, by the size of the body. */
import type { Bench, Figure } from "../support/bench.ts";
import { closedLoop, Poster } from "../support/load.ts";
import { percentile, round } from "../support/stats.ts";
import { withStack } from "../support/stack.ts";
import { postAll } from "../support/storm.ts";

const FULL = { alerts: 500, warmUpMs: 3_000, forMs: 20_000 };
const SMOKE = { alerts: 100, warmUpMs: 100, forMs: 500 };
const GROUPS = [1, 10, 100];
const CONNECTIONS = 8;

export const duplicates: Bench = {
  name: "duplicates",
  about: "repeats of delivered alerts a second, in bodies of 1, 10 and 100, beside a handler that only parses",
  run: (context) => {
    const size = context.smoke ? SMOKE : FULL;
    return withStack(context, { hosts: size.alerts, mode: "observe" }, async (stack) => {
      await postAll(stack, stack.hosts);
      const bare = await stack.startBare("http");
      const figures: Figure[] = [];
      for (const group of GROUPS) {
        context.say(`bodies of ${group}`);
        const bodies = Array.from({ length: size.alerts / group }, (_, index) =>
          JSON.stringify(stack.body(stack.hosts.slice(index * group, (index + 1) * group))),
        );
        const theirs = await flood(bare.url, bodies, group, size);
        const ours = await flood(`${stack.url}/v1/alerts/alertmanager`, bodies, group, size);
        figures.push(
          { name: `repeats, bodies of ${group}`, unit: "alerts/s", ours: ours.perSecond, bare: theirs.perSecond },
          { name: `answer p50, bodies of ${group}`, unit: "ms", ours: ours.p50, bare: theirs.p50 },
          { name: `answer p99, bodies of ${group}`, unit: "ms", ours: ours.p99, bare: theirs.p99 },
        );
      }
      return {
        figures,
        breakdowns: [],
        facts: stack.facts,
        notes: [
          `closed loop over ${CONNECTIONS} connections; every answer was 200 and counted all of its body as duplicates`,
          "ours counts each repeat in the record, durably; the bare handler is node:http and JSON.parse",
          "no worker runs, so the remediations are open; load generator and servers share the cores",
        ],
      };
    });
  },
};

async function flood(url: string, bodies: string[], group: number, { warmUpMs, forMs }: typeof FULL) {
  const poster = new Poster(url);
  const send = async (index: number): Promise<void> => {
    const { body } = await poster.post(bodies[index % bodies.length] ?? "");
    if (!body.includes(`"duplicates":${group},`)) throw new Error(`not all were duplicates: ${body.slice(0, 200)}`);
  };
  await closedLoop(warmUpMs, CONNECTIONS, send);
  const { ms, elapsedMs } = await closedLoop(forMs, CONNECTIONS, send);
  poster.close();
  return {
    perSecond: Math.round((ms.length * group * 1000) / elapsedMs),
    p50: round(percentile(ms, 50), 2),
    p99: round(percentile(ms, 99), 2),
  };
}
