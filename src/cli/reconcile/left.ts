/** Nothing is left behind: leases, queue, waits, drained hosts, tickets, silences; and what was healed is well. */
import type { Facts, Left } from "./facts.ts";
import { about, byId, count, isHealthyEnd, isLeftToPerson, newestByTarget, unowned } from "./common.ts";
import { parseEffectKey } from "../../contracts/ids.ts";
import type { Checked, Exception } from "./reconcile.ts";

export function checkLeases({ record }: Facts): Checked {
  const remediations = byId(record);
  const of = (remediationId: string, sentence: string, mayBePersons = false): Exception[] => {
    const owner = remediations.get(remediationId);
    if (owner === undefined) return [unowned("leftBehind", remediationId, sentence)];
    // An open remediation is an exception of its own; that it holds what it needs is none.
    if (owner.closedAt === null) return [];
    return [about(mayBePersons && isLeftToPerson(owner) ? "person" : "leftBehind", owner, sentence)];
  };
  // A target that stays out of service goes on counting: that is meant, and its host is looked at among the drained.
  const inWork = record.leases.filter(({ state }) => state !== "leftOut");
  const leases = Map.groupBy(inWork, ({ remediationId }) => remediationId);
  // Leases may wait for the person; a place in the queue and a wait end with their remediation.
  const exceptions = [
    ...[...leases].flatMap(([id, all]) =>
      of(id, `closed, and its leases on ${all.map(({ scope }) => scope).join(", ")} are ${all[0]?.state}`, true),
    ),
    ...record.queue.flatMap((id) => of(id, "closed, but still in the queue")),
    ...record.waits.flatMap(({ remediationId, key }) => of(remediationId, `closed, but still waits [${key}]`)),
  ];
  const figures = `${count(inWork.length, "lease")}, ${record.queue.length} in the queue, ${count(record.waits.length, "wait")}`;
  return { check: "leases", figures, exceptions };
}

export function checkServers({ record, world }: Facts): Checked {
  const newest = newestByTarget(record);
  const out = world.servers.filter(({ takesAllTraffic }) => !takesAllTraffic);
  const exceptions = out.flatMap(({ target, state }): Exception[] => {
    const owner = newest.get(target);
    if (owner === undefined) return [unowned("leftBehind", target, `${state}, and no remediation did that`)];
    if (owner.closedAt === null) return [];
    if (isLeftToPerson(owner)) return [about("person", owner, `${state} until a person has proven it healthy`)];
    return [about("leftBehind", owner, `${owner.outcome}, but it is ${state}`)];
  });
  const figures = `${world.servers.length - out.length} take all their traffic, ${out.length} do not`;
  return { check: "hosts", figures, exceptions };
}

export function checkTargets({ record, world }: Facts): Checked {
  const unwell = new Map(world.unwell.map(({ target, why }) => [target, why]));
  const newest = [...newestByTarget(record).values()];
  const healed = newest.filter(isHealthyEnd);
  const exceptions = healed.flatMap((one) => {
    const why = unwell.get(one.target.id);
    return why === undefined ? [] : [about("lost", one, `${one.outcome} by the record, but ${why}`)];
  });
  const named = new Set(newest.map(({ target }) => target.id));
  for (const { target, why } of world.unwell) {
    if (!named.has(target)) exceptions.push(unowned("lost", target, `${why}, and no remediation was opened`));
  }
  return {
    check: "health",
    figures: `${healed.length - exceptions.length} of ${healed.length} healed hosts are well`,
    exceptions,
  };
}

export const checkTickets = (facts: Facts): Checked => checkLeft(facts, "tickets", facts.world.tickets);
export const checkSilences = (facts: Facts): Checked => checkLeft(facts, "silences", facts.world.silences);

/** By its key, else by its target: one that is open must be somebody's. */
function checkLeft({ record }: Facts, check: "tickets" | "silences", all: readonly Left[]): Checked {
  const remediations = byId(record);
  const newest = newestByTarget(record);
  const exceptions = all.flatMap(({ id, key, target }): Exception[] => {
    const ofKey = key === null ? null : parseEffectKey(key);
    const owner = ofKey === null ? newest.get(target) : remediations.get(ofKey.remediationId);
    const what = `${check === "tickets" ? "ticket" : "silence"} ${id}`;
    if (owner === undefined) return [unowned("leftBehind", `${what} ${target}`, "is nobody's")];
    if (owner.closedAt === null) return [];
    if (isLeftToPerson(owner)) return [about("person", owner, `${what} is left to a person`)];
    return [about("leftBehind", owner, `${owner.outcome}, but ${what} is still there`)];
  });
  const noun = check === "tickets" ? "open" : "active";
  return { check, figures: `${all.length} ${noun}`, exceptions };
}
