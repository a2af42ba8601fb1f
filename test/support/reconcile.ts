/**
 * Record, Temporal and the lab's world held against each other after everything has settled. Answers what is wrong, in
 * sentences; nothing when nothing is lost, doubled or left behind. Effects are counted in the world, not in our record.
 */
import pg from "pg";
import { workflowId } from "../../src/contracts/ids.ts";
import type { Plan } from "../../src/contracts/plan.ts";
import type { World } from "../../src/lab/world.ts";
import { ticketsByKey, violations } from "../../src/lab/invariants.ts";
import { verifyChain } from "../../src/record/audit.ts";
import { openRecord } from "../../src/record/record.ts";
import type { RecordStore, RemediationStory } from "../../src/record/api.ts";
import type { Live } from "./live.ts";

interface Seen {
  record: RecordStore;
  stories: RemediationStory[];
  world: World;
  sql: <T>(text: string) => Promise<T[]>;
}

/** `faulty`: the hosts whose disk failed and whose alert was accepted; each must have led to one remediation. */
export async function reconcile(live: Live, faulty: string[]): Promise<string[]> {
  const record = await openRecord(live.stack.databaseUrl, { applicationName: "reconciliation" });
  const client = new pg.Client({ connectionString: live.stack.databaseUrl });
  await client.connect();
  try {
    const rows = await record.list({ limit: 1_000 });
    const stories = await Promise.all(rows.map(({ remediationId }) => record.story(remediationId)));
    const seen: Seen = {
      record,
      stories: stories.filter((story) => story !== null),
      world: live.lab.world,
      sql: async <T>(text: string) => (await client.query(text)).rows as T[],
    };
    return [
      ...violations(seen.world),
      ...onceEach(seen, faulty),
      ...doubledInTheWorld(seen),
      ...unsettled(seen),
      ...leftOutOfService(seen),
      ...untold(seen),
      ...(await overCaps(seen)),
      ...(await leftInTheRecord(seen)),
      ...(await brokenChains(seen)),
      ...(await notCompleted(live, rows)),
    ];
  } finally {
    await client.end();
    await record.end();
  }
}

function onceEach({ stories }: Seen, faulty: string[]): string[] {
  const byTarget = Map.groupBy(stories, ({ remediation }) => remediation.target.id);
  const wrong = faulty.filter((host) => byTarget.get(host)?.length !== 1);
  const open = stories.filter(({ remediation }) => remediation.closedAt === null);
  return [
    ...wrong.map((host) => `${host} had ${byTarget.get(host)?.length ?? 0} remediations for its one fault`),
    ...[...byTarget.keys()].filter((id) => !faulty.includes(id)).map((id) => `${id} had a remediation without a fault`),
    ...open.map(({ remediation }) => `${remediation.target.id} is still open in phase ${remediation.phase}`),
  ];
}

/** A silence carries its key as a mark at the end of its comment, behind a text that names the remediation. */
function doubledInTheWorld({ stories, world }: Seen): string[] {
  const keys = new Set(stories.flatMap(({ effects }) => effects.map(({ key }) => key)));
  const tickets = Object.entries(ticketsByKey(world));
  const rebuilds = countBy(world.log.filter(({ what }) => what === "rebuild-started").map(({ host }) => host));
  const swaps = countBy(world.log.filter(({ what }) => what === "disk-swapped").map(({ host }) => host));
  const silences = countBy([...world.silences.values()].map(({ comment }) => comment));
  return [
    ...tickets.filter(([key]) => !keys.has(key)).map(([key]) => `a ticket has the key ${key}, which no effect has`),
    ...[...rebuilds, ...swaps]
      .filter(([, times]) => times > 1)
      .map(([host, times]) => `${host} was done ${times} times`),
    ...[...silences].filter(([, times]) => times > 1).map(([comment, times]) => `${times} silences: ${comment}`),
  ];
}

/** Nobody knows what became of it: then a person was told, and its leases still count. */
function unsettled({ stories }: Seen): string[] {
  return stories.flatMap(({ remediation, effects }) =>
    effects
      .filter(({ state }) => ["intent", "pending", "unknown"].includes(state) && !remediation.needsHuman)
      .map(({ key, state }) => `effect ${key} is ${state}, and no person was asked to look`),
  );
}

/** What is out of its pool has an owner: a closed remediation that says so and asks a person. */
function leftOutOfService({ stories, world }: Seen): string[] {
  const owned = new Set(
    stories.filter(({ remediation }) => remediation.needsHuman).map(({ remediation }) => remediation.target.id),
  );
  const out = [...world.traffic.pools.values()].flatMap((pool) =>
    pool.servers.filter((server) => server.admin !== "ready" || server.weight === 0).map(({ host }) => host.id),
  );
  const tickets = world.tickets.all().filter((ticket) => ["new", "open", "stalled"].includes(ticket.status));
  return [
    ...out
      .filter((host) => !owned.has(host))
      .map((host) => `${host} is out of service, and no person was asked to look`),
    ...tickets
      .filter(({ host }) => host === null || !owned.has(host))
      .map(({ id, host }) => `ticket ${id} of ${host ?? "nobody"} is open, and no remediation owns it`),
    ...[...world.silences.values()]
      .filter((silence) => silence.endsAt > world.clock.wall(world.clock.now()))
      .map((silence) => `a silence still stands: ${silence.comment}`),
  ];
}

function untold({ stories }: Seen): string[] {
  const asking = stories.filter(({ remediation }) => remediation.needsHuman);
  return asking
    .filter(({ escalations }) => !escalations.some(({ sentAt }) => sentAt !== null))
    .map(({ remediation }) => `${remediation.target.id} needs a person, and nobody was told`);
}

interface Admission {
  remediation_id: string;
  scopes: string[];
  admitted_at: Date;
  released_at: Date | null;
}

/** From the lease history, so that no instant is missed. Whoever still holds leases counts until the end. */
async function overCaps({ sql, stories }: Seen): Promise<string[]> {
  const plans = new Map(stories.map(({ remediation, plan }) => [remediation.remediationId, plan]));
  const admissions = await sql<Admission>("select remediation_id, scopes, admitted_at, released_at from admissions");
  const scopes = new Set(admissions.flatMap((admission) => admission.scopes));
  return [...scopes].flatMap((scope) => {
    const held = admissions.filter((admission) => admission.scopes.includes(scope));
    const cap = Math.min(...held.map(({ remediation_id: id }) => capOf(plans.get(id) ?? null, scope)));
    const most = mostAtOnce(held);
    return most > cap ? [`${most} remediations held ${scope} at once, allowed are ${cap}`] : [];
  });
}

function capOf(plan: Plan | null, scope: string): number {
  return plan?.limits.caps.find((cap) => cap.scope === scope)?.max ?? (scope.startsWith("target:") ? 1 : Infinity);
}

function mostAtOnce(held: Admission[]): number {
  const moments = held.flatMap(({ admitted_at: from, released_at: to }) => [
    { at: from.getTime(), change: 1 },
    ...(to === null ? [] : [{ at: to.getTime(), change: -1 }]),
  ]);
  // One transaction after the other: what was released within the same millisecond made room.
  moments.sort((a, b) => a.at - b.at || a.change - b.change);
  let [now, most] = [0, 0];
  for (const { change } of moments) most = Math.max(most, (now += change));
  return most;
}

async function leftInTheRecord({ record, stories }: Seen): Promise<string[]> {
  const needsHuman = new Set(stories.flatMap(({ remediation: one }) => (one.needsHuman ? [one.remediationId] : [])));
  const [leases, queue, undelivered] = await Promise.all([record.leases(), record.queue(), record.undelivered(0, 100)]);
  return [
    ...leases
      .filter(({ remediationId, state }) => state !== "leftOut" && !needsHuman.has(remediationId))
      .map(({ remediationId, scope }) => `${remediationId} still holds ${scope}`),
    ...queue.map(({ remediationId }) => `${remediationId} is still in the queue`),
    ...undelivered.map(({ faultKey }) => `alert ${faultKey} was never delivered`),
    ...stories.flatMap(({ remediation, waits }) =>
      waits.filter(({ doneAt }) => doneAt === null).map(({ key }) => `${remediation.target.id} still waits for ${key}`),
    ),
  ];
}

async function brokenChains({ record, stories }: Seen): Promise<string[]> {
  const checks = await Promise.all(
    stories.map(async ({ remediation: { remediationId } }) => verifyChain(await record.audit(remediationId))),
  );
  return checks.flatMap((check) => (check.ok ? [] : [`audit chain: ${check.detail}`]));
}

async function notCompleted(live: Live, rows: { target: { kind: string; id: string } }[]): Promise<string[]> {
  const ids = [...new Set(rows.map(({ target }) => workflowId(target)))];
  const seen = await Promise.all(
    ids.map(async (id) => ({ id, status: (await live.client.workflow.getHandle(id).describe()).status.name })),
  );
  return seen.filter(({ status }) => status !== "COMPLETED").map(({ id, status }) => `workflow ${id} is ${status}`);
}

function countBy(names: (string | undefined)[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
