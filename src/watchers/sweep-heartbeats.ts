/**
 * The watchdog's other way: a source that should send one alert again and again, and does not. People are told by selfheal
 * itself, because what would tell them otherwise is what is silent.
 */
import { candidate, type Candidate, type LookDependencies } from "./sweep-finding.ts";

/** `sources.<name>.heartbeat` of selfheal.yaml. */
export interface Heartbeat {
  source: string;
  alertname: string;
  withinMs: number;
}

/** After a stop of selfheal itself the senders need some minutes to come again. */
const PATIENCE_MS = 3 * 60_000;

export async function lookAtHeartbeats(
  { record }: Pick<LookDependencies, "record">,
  heartbeats: readonly Heartbeat[],
): Promise<Candidate[]> {
  const found = await Promise.all(
    heartbeats.map(async (heartbeat) => {
      const { source, alertname, withinMs } = heartbeat;
      return { heartbeat, ...(await record.heartbeat(source, alertname, withinMs)) };
    }),
  );
  return found.flatMap(({ heartbeat: { source, alertname, withinMs }, alive, lastSeenAt }) => {
    if (alive) return [];
    const since = lastSeenAt === null ? "never came in the last 30 days" : `came last at ${lastSeenAt}`;
    return [
      candidate({
        code: "ALERTS_SILENT",
        part: "heartbeats",
        about: source,
        severity: "page",
        sentence: `${alertname} of ${source} should come every ${withinMs / 1000} s and ${since}: alerts of ${source} may not arrive at all`,
        ids: { source, alertname },
        next: `selfheal alerts   # is ${source} up, does it route ${alertname} here, does it get 2xx from selfheal?`,
        tellAfterMs: lastSeenAt === null ? Math.max(withinMs, PATIENCE_MS) : PATIENCE_MS,
      }),
    ];
  });
}
