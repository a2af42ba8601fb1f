/**
 * What waiters of the queue wait for outside: silences that people set, leases of other systems, members
 * of their group that are unhealthy. A wait
 * of system `outside` holds an OutsideRef as JSON; its state words are `asBefore` and `better`.
 */
import { z } from "zod";
import { leaseId, type OutsideRef } from "../contracts/outside.ts";
import type { Ports } from "../ports/ports.ts";
import type { Look, Words } from "./look.ts";

const REF = z.object({
  silences: z.array(z.string()),
  leases: z.array(z.string()).default([]),
  health: z.object({ kind: z.string(), group: z.string(), fewerThan: z.number() }).nullable(),
});

/** Members of a group that are not healthy, by the sources that its `minHealthy` names; null: not known. */
export type Unhealthy = (group: { kind: string; group: string }) => Promise<string[] | null>;

export function lookOutside(unhealthy: Unhealthy): Look {
  return async (ports, refs) => {
    const waited = refs.flatMap((ref) => {
      const parsed = parse(ref);
      return parsed === null ? [] : [{ ref, ...parsed }];
    });
    const active = await activeSilences(ports, waited);
    const held = await heldLeases(ports, waited);
    const counts = await countUnhealthy(unhealthy, waited);
    const words: Words = new Map();
    const gone = (ids: readonly string[], there: Set<string> | null): boolean =>
      there !== null && ids.length > 0 && !ids.some((id) => there.has(id));
    for (const { ref, silences, leases, health } of waited) {
      const count = health === null ? undefined : counts.get(keyOf(health));
      const over = gone(silences, active) || gone(leases, held);
      const fewer = health !== null && count !== undefined && count < health.fewerThan;
      if (over || fewer) words.set(ref, "better");
    }
    return words;
  };
}

async function activeSilences(ports: Ports, waited: readonly OutsideRef[]): Promise<Set<string> | null> {
  if (waited.every(({ silences }) => silences.length === 0)) return null;
  return new Set((await ports.silences.active()).map(({ id }) => id));
}

async function heldLeases(ports: Ports, waited: readonly OutsideRef[]): Promise<Set<string> | null> {
  if (waited.every(({ leases }) => leases.length === 0)) return null;
  return new Set((await ports.leases.held()).map(({ target, holder }) => leaseId(target, holder)));
}

async function countUnhealthy(unhealthy: Unhealthy, waited: readonly OutsideRef[]): Promise<Map<string, number>> {
  const groups = new Map(waited.flatMap(({ health }) => (health === null ? [] : [[keyOf(health), health] as const])));
  const counts = new Map<string, number>();
  for (const [key, group] of groups) {
    const ids = await unhealthy(group);
    if (ids !== null) counts.set(key, ids.length);
  }
  return counts;
}

function keyOf({ kind, group }: { kind: string; group: string }): string {
  return `${kind} ${group}`;
}

function parse(ref: string): OutsideRef | null {
  try {
    return REF.parse(JSON.parse(ref));
  } catch {
    return null;
  }
}
