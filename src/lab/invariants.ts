/** What must be true of a world after any run, read from its log. Tests and `rehearse` assert on these. */
import { isFailing, isServing } from "./host.ts";
import type { LogEntry, World } from "./world.ts";

/** Number of tickets for each idempotency key. */
export function ticketsByKey(world: World): Record<string, number> {
  return countByKey(world.log.filter((entry) => entry.what === "ticket-created"));
}

/** Number of rebuilds of each host. */
export function rebuildsByHost(world: World): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const host of world.hosts.values()) if (host.rebuilds > 0) counts[host.id] = host.rebuilds;
  return counts;
}

/** Most servers that were not `ready` at one time; of one pool, or all. */
export function maxDrainedAtOnce(world: World, pool?: string): number {
  const drained = new Set<string>();
  let most = 0;
  for (const entry of world.log) {
    if (entry.system !== "haproxy" || entry.host === undefined) continue;
    if (pool !== undefined && world.hosts.get(entry.host)?.pool !== pool) continue;
    if (entry.what === "drain" || entry.what === "maint") drained.add(entry.host);
    if (entry.what === "ready") drained.delete(entry.host);
    most = Math.max(most, drained.size);
  }
  return most;
}

/** Errors that users saw because of what was done, not because of the disk that failed by itself. */
export function avoidableErrors(world: World, pool?: string): number {
  const { failing: _, ...avoidable } = world.traffic.errors(pool);
  return Object.values(avoidable).reduce((sum, count) => sum + count, 0);
}

/** Hosts that are well and serve, but get no traffic: somebody forgot them. */
export function forgotten(world: World): string[] {
  return [...world.traffic.pools.values()].flatMap((pool) =>
    pool.servers
      .filter(
        (server) =>
          (server.admin !== "ready" || server.weight === 0) && isServing(server.host) && !isFailing(server.host),
      )
      .map((server) => server.host.id),
  );
}

/** Hosts that get traffic although they do not serve. */
export function exposed(world: World): string[] {
  return [...world.traffic.pools.values()].flatMap((pool) =>
    pool.servers
      .filter((server) => server.admin === "ready" && !isServing(server.host))
      .map((server) => server.host.id),
  );
}

/** Everything that must never happen, in sentences; empty when all is well. */
export function violations(world: World, limits: { maxDrained?: number } = {}): string[] {
  const found: string[] = [];
  for (const [key, count] of Object.entries(ticketsByKey(world))) {
    if (count > 1) found.push(`${count} tickets with the key ${key}`);
  }
  for (const [key, count] of Object.entries(
    countByKey(world.log.filter((entry) => entry.what === "rebuild-started")),
  )) {
    if (count > 1) found.push(`${count} rebuilds with the key ${key}`);
  }
  const drained = maxDrainedAtOnce(world);
  if (limits.maxDrained !== undefined && drained > limits.maxDrained) {
    found.push(`${drained} servers drained at once, allowed are ${limits.maxDrained}`);
  }
  for (const entry of world.log.filter(({ what }) => what === "lab-error"))
    found.push(`the lab failed: ${entry.detail ?? ""}`);
  return [...found, ...unsafeRebuilds(world)];
}

/** A rebuild of a host that took traffic. */
function unsafeRebuilds(world: World): string[] {
  const drained = new Set<string>();
  const found: string[] = [];
  for (const { what, host, time } of world.log) {
    if (host === undefined) continue;
    if (what === "drain" || what === "maint") drained.add(host);
    if (what === "ready") drained.delete(host);
    const pooled = world.hosts.get(host)?.pool !== null;
    if (what === "rebuild-started" && pooled && !drained.has(host))
      found.push(`${host} was rebuilt while it took traffic, at ${time}`);
  }
  return found;
}

function countByKey(entries: LogEntry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { key } of entries) if (key !== undefined) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}
