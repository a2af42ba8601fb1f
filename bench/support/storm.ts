/** A storm of distinct faults, and what the record says of it. */
import { mapLimit, Poster, until } from "./load.ts";
import type { BenchStack } from "./stack.ts";

/** Alerts in one body of the storm, as Alertmanager groups them. */
const GROUP = 50;
const BODIES_AT_ONCE = 4;

/** Posts one alert for each of these hosts; answers when the first was sent, ms since the epoch. */
export async function postAll(stack: BenchStack, hosts: readonly string[]): Promise<number> {
  const poster = new Poster(`${stack.url}/v1/alerts/alertmanager`);
  const groups = Array.from({ length: Math.ceil(hosts.length / GROUP) }, (_, index) =>
    JSON.stringify(stack.body(hosts.slice(index * GROUP, (index + 1) * GROUP))),
  );
  const startedAt = Date.now();
  await mapLimit(groups, BODIES_AT_ONCE, (body) => poster.post(body));
  poster.close();
  return startedAt;
}

/** Until so many remediations are closed, all with that outcome; answers when the last was, ms since the epoch. */
export async function untilRecorded(
  { database }: BenchStack,
  count: number,
  outcome: string,
  withinMs: number,
): Promise<number> {
  const closed = async (): Promise<boolean> => {
    const [row] = await database.sql("select count(*)::int as n from remediations where closed_at is not null");
    return (row?.["n"] as number) >= count;
  };
  await until(`${count} remediations closed`, closed, { withinMs, everyMs: 250 });
  const rows = await database.sql(
    "select outcome, count(*)::int as n, max(closed_at) as last, min(detail) as detail from remediations group by outcome",
  );
  if (rows.length !== 1 || rows[0]?.["outcome"] !== outcome || rows[0]["n"] !== count) {
    throw new Error(`expected ${count} remediations ${outcome}, the record has ${JSON.stringify(rows)}`);
  }
  return (rows[0]["last"] as Date).getTime();
}
